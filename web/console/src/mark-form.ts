/** "It should have been ...": marks a turn for the review queue. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from './api'
import type { NewReview, ReviewMark, Turn } from './types'
import * as names from './names'
import { trouble } from './parts'
import './picker'
import { say, View } from './view'

/** The fields for what a turn should have been; shared with the page of a review. */
export function markFields(mark: ReviewMark, change: (mark: ReviewMark) => void): TemplateResult {
  const { topics, kinds, signs } = names.about()
  const set = (part: Partial<ReviewMark>) => change({ ...mark, ...part })
  const toggle = (key: 'topics' | 'signs') => (event: Event) => set({ [key]: (event.target as HTMLInputElement).checked ? [] : null })
  const text = (key: 'wording' | 'note') => (event: Event) => set({ [key]: (event.target as HTMLTextAreaElement).value || null })
  return html`
    <label class="tick"><input type="checkbox" .checked=${Boolean(mark.topics)} @change=${toggle('topics')}> It was about something else</label>
    ${mark.topics
      ? html`<milia-picker label="It was about" .options=${[...topics, ...kinds]} .chosen=${mark.topics} .change=${(chosen: string[]) => set({ topics: chosen })}></milia-picker>`
      : nothing}
    <label class="tick"><input type="checkbox" .checked=${Boolean(mark.signs)} @change=${toggle('signs')}> The warning signs are wrong</label>
    ${mark.signs
      ? html`<milia-picker label="The right signs (none ticked: no warning sign)" .options=${signs} .chosen=${mark.signs} .change=${(chosen: string[]) => set({ signs: chosen })}></milia-picker>`
      : nothing}
    <label class="field"><span>It could be said better, like this</span>
      <textarea rows="3" maxlength="2000" .value=${mark.wording ?? ''} @input=${text('wording')}></textarea></label>
    <label class="field"><span>A note for the editor</span>
      <textarea rows="2" maxlength="2000" .value=${mark.note ?? ''} @input=${text('note')}></textarea></label>`
}

/** Leave out what was not said. */
export function said(mark: ReviewMark): ReviewMark | undefined {
  const kept = Object.fromEntries(Object.entries(mark).filter(([key, value]) => value !== null && value !== '' && !(key === 'topics' && !(value as string[]).length)))
  return Object.keys(kept).length ? kept : undefined
}

@customElement('milia-mark-form')
export class MarkForm extends View {
  @property({ attribute: false }) turn!: Turn
  @property({ attribute: false }) of: { conversation?: string; try?: string } = {}
  @property({ attribute: false }) done: () => void = () => undefined
  @state() private mark: ReviewMark = {}
  @state() private missing = false

  protected override render(): TemplateResult {
    return html`<form class="mark-form" aria-label="It should have been" @submit=${this.submit}>
      <p class="hint">Say what it should have been. It goes to the review queue, where an editor decides. Nothing changes until then.</p>
      ${markFields(this.mark, (mark) => (this.mark = mark))}
      ${this.missing ? html`<p class="error" role="alert">Tick or write at least one thing that should have been different.</p>` : nothing}
      ${trouble(this.problem)}
      <p class="buttons"><button class="main" ?disabled=${this.busy !== ''}>Send to review</button>
        <button type="button" class="quiet" @click=${this.done}>Cancel</button></p>
    </form>`
  }

  private submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    const should = said(this.mark)
    this.missing = !should
    if (!should) return
    const where = this.of.try ? { try: this.of.try, try_turn: this.turn.id } : { conversation: this.of.conversation, turn: this.turn.number }
    const made = await this.attempt('mark', () => call('post', '/reviews', { body: { should, ...where } as NewReview }))
    if (!made) return
    this.turn.reviews = [...(this.turn.reviews ?? []), { id: made.id, state: made.state }]
    this.done()
    say('Sent to the review queue, where an editor decides.')
  }
}
