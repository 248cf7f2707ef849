/** The same messages with another model, beside what the running one said. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { Problem, upload } from './api'
import * as names from './names'
import { chips, choice, level, trouble, type Part } from './parts'
import type { Job, Result, Turn } from './types'
import { View } from './view'

type Replayed = NonNullable<Result['turns']>[number]

@customElement('milia-compare')
export class Compare extends View {
  /** The messages up to the one that is compared. */
  @property({ attribute: false }) turns: Turn[] = []
  /** The model to ask, at once; '' lets the person choose one. */
  @property() only = ''
  @state() private model = ''
  @state() private job?: Job
  @state() private other?: Replayed
  /** The turn that `other` is of. */
  private of = ''

  private get last(): Turn {
    return this.turns.at(-1)!
  }

  protected override willUpdate(): void {
    if (this.of && this.of !== this.last.id) {
      this.of = ''
      this.other = undefined
      this.problem = undefined
    }
  }

  protected override updated(changed: PropertyValues): void {
    if (this.only && (changed.has('turns') || changed.has('only'))) void this.run(this.only)
  }

  protected override render(): Part {
    if (this.only) return html`${this.progress()}${trouble(this.problem)}${this.other ? this.both(this.other) : nothing}`
    const models = names.about().models.filter((one) => !one.current)
    if (!models.length) return nothing
    const running = this.busy === 'compare'
    return html`<details class="part"><summary><h3>Compare with another model</h3> <span class="digest">${names.count(models.length, 'other model')}</span></summary>
      <div>
        ${choice('Model', '', models.map((one) => ({ id: one.name, title: `${one.name}, ${names.moment(one.made_at)}` })), this.model, (model) => (this.model = model))}
        <p class="buttons"><button type="button" ?disabled=${running} @click=${() => this.run(this.model || models[0]!.name)}>${running ? 'The other model is answering …' : 'Ask it the same'}</button></p>
        ${this.progress()}
        ${trouble(this.problem)}
        ${this.other ? this.both(this.other) : nothing}
      </div></details>`
  }

  private progress(): Part {
    if (this.busy !== 'compare' || !this.job) return nothing
    const loading = this.job.state === 'loading' || this.job.state === 'waiting'
    return html`<p class="hint" role="status">${loading ? 'Loading that model; this takes some seconds.' : 'Asking it.'}</p>`
  }

  private both(other: Replayed): TemplateResult {
    const { last } = this
    const mine = { topics: last.record.topics, signs: last.record.signs, level: last.level.after, intent: last.understood.intent.name }
    const differ = [
      same(mine.topics, other.topics) ? '' : 'what it is about',
      same(mine.signs, other.signs) ? '' : 'the warning signs',
      mine.level === other.level ? '' : 'how urgent it is',
      mine.intent === other.intent ? '' : 'the kind of message',
    ].filter(Boolean)
    const side = (title: string, text: string, one: { topics: string[]; signs: string[]; level: string | null; intent: string | null }, sure: number | null) =>
      html`<section class="card"><h4>${title}</h4><div class="bubble" dir="auto">${text || 'No reply.'}</div>
        <p class="line">${level(one.level)}${chips(one.topics, names.topic)}${chips(one.signs, names.sign, 'bad')}</p>
        <p class="small">Kind of message: ${one.intent ? names.words(one.intent) : 'unknown'}${sure === null ? '' : `, ${names.percent(sure)} sure`}</p></section>`
    return html`<p role="status"><strong>${differ.length ? `They differ in ${differ.join(', ')}.` : 'Both understood the same.'}</strong> Wordings vary by themselves.</p>
      <div class="halves">
        ${side('The running model', last.replies.map((one) => one.text).join('\n'), mine, last.understood.intent.confidence)}
        ${side('The other model', other.text ?? '', other, other.confidence)}
      </div>`
  }

  /** Replay the conversation with the other model in a process of its own, and take its last turn. */
  private run = async (model: string): Promise<void> => {
    const said = this.turns.map(({ user }) => (user.pressed ? { press: user.text } : user.text))
    const file = new File([JSON.stringify({ id: 'compare', turns: said })], 'compare.jsonl')
    const id = this.last.id
    this.other = undefined
    this.of = id
    const other = await this.attempt('compare', async () => {
      const { id } = await upload(file, 'application/x-ndjson', { name: file.name, model })
      const job = await this.follow(id, (now) => (this.job = now))
      if (job.state !== 'done') throw new Problem(422, { detail: job.error ?? 'The other model was stopped before it answered.' })
      return job.results[0]?.turns?.at(-1)
    })
    if (this.of === id) this.other = other
  }
}

function same(one: string[], other: string[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id))
}
