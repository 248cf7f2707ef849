/** The review queue: what colleagues marked, and what became of it. */
import { html, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from '../api'
import type { Review } from '../types'
import * as names from '../names'
import { empty, trouble, waiting } from '../parts'
import { link } from '../router'
import { View } from '../view'

export const STATES = { open: 'To decide', accepted: 'Accepted', rejected: 'Rejected' } as const
type State = keyof typeof STATES

/** What was marked, in words. */
export function marks({ topics, signs, wording, note }: Review['should']): string {
  const said = []
  if (topics?.length) said.push(`about ${topics.map(names.topic).join(', ')}`)
  if (signs) said.push(signs.length ? `the sign ${signs.map(names.sign).join(', ')}` : 'no warning sign')
  if (wording) said.push('a better wording')
  if (!said.length && note) said.push(`note: ${note}`)
  return said.join('; ')
}

@customElement('milia-reviews')
export class Reviews extends View {
  @property({ attribute: false }) query = new URLSearchParams()
  @state() private rows?: Review[]
  @state() private next: string | null = null
  @state() private counts?: { [state: string]: number }

  private get chosen(): State {
    const asked = this.query.get('state') ?? ''
    return asked in STATES ? (asked as State) : 'open'
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('query')) void this.load()
  }

  private load = async (): Promise<void> => {
    this.rows = undefined
    this.next = null
    await this.more()
  }

  private more = async (): Promise<void> => {
    const page = await this.attempt('load', () => call('get', '/reviews', { query: { state: this.chosen, cursor: this.next ?? undefined } }))
    if (!page) return
    const seen = this.rows?.length ?? 0
    this.rows = [...(this.rows ?? []), ...page.reviews]
    this.next = page.next
    this.counts = page.counts
    if (seen) await this.focusOn(`.rows > li:nth-child(${seen + 1}) a`)
  }

  protected override render(): TemplateResult {
    const { chosen, counts } = this
    return html`<h1>Review queue</h1>
      <p class="hint">What colleagues marked as wrong. An editor accepts it, in words of their own, or rejects it with a reason. The bot knows what is accepted after the next <a href=${link(['training'])}>training</a>.</p>
      <nav class="tabs" aria-label="State"><ul>${Object.entries(STATES).map(
        ([id, title]) => html`<li><a href=${link(['reviews'], { state: id })} aria-current=${id === chosen ? 'true' : 'false'}>${title}${counts ? ` (${counts[id]})` : ''}</a></li>`,
      )}</ul></nav>
      ${trouble(this.problem, this.rows ? this.more : this.load)}
      ${this.rows
        ? this.rows.length
          ? html`<ol class="rows">${this.rows.map(row)}</ol>`
          : chosen === 'open'
            ? empty('Nothing waits for a decision.', 'When you see a wrong reply, in “Try it” or in a conversation, press “Something is wrong here”. It then stands here.', html`<a class="button" href=${link(['conversations'], { not_helpful: 'true' })}>See replies rated not helpful</a>`)
            : empty(`Nothing was ${chosen} yet.`, 'Decided reviews are listed here, with who decided.')
        : this.problem
          ? ''
          : waiting('Reading the queue')}
      ${this.next ? html`<p><button type="button" ?disabled=${this.busy !== ''} @click=${this.more}>Show more</button></p>` : ''}`
  }
}

function row(one: Review): TemplateResult {
  const decided = one.decided_by ? ` · ${STATES[one.state].toLowerCase()} by ${one.decided_by}${one.decided_at ? `, ${names.moment(one.decided_at)}` : ''}` : ''
  return html`<li><a href=${link(['reviews', one.id])}>${one.was.text ?? '(the conversation is deleted)'}</a>
    <p>Should have been: ${marks(one.should)}</p>
    <p class="small">Marked by ${one.made_by}, ${names.moment(one.made_at)}${decided}</p></li>`
}
