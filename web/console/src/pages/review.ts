/** One review: what the bot made of a message, what it should have been, and the decision. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call, may, text, type Problem } from '../api'
import type { Accept, Checked, Overlap, Review } from '../types'
import * as names from '../names'
import { chips, level, trouble, waiting, type Part } from '../parts'
import '../picker'
import '../wording-form'
import { link } from '../router'
import { save, say, View } from '../view'
import { marks, STATES } from './reviews'

const KINDS: { id: Accept['kind']; title: string; help: string }[] = [
  { id: 'training', title: 'Teach the bot a sentence', help: 'The bot learns from it when it is trained next.' },
  { id: 'heldout', title: 'Keep a sentence to measure by', help: 'The bot never learns from it: it shows whether the bot got better.' },
  { id: 'content', title: 'Change a wording', help: 'Words of an answer are replaced by yours.' },
  { id: 'none', title: 'Accept without a change', help: 'It is right, but nothing has to be changed now.' },
]
const SETS = { training: 'taught', heldout: 'measured by', dialogs: 'in a test' }

@customElement('milia-review')
export class ReviewPage extends View {
  @property() review = ''
  @state() private one?: Review
  @state() private form: Omit<Accept, 'version'> = { kind: 'training' }
  @state() private checked?: Checked
  @state() private missing = ''
  @state() private reason = ''
  @state() private rejecting = false
  /** Somebody was first: how it stood when this page was opened is old. */
  @state() private conflict?: Problem

  protected override firstUpdated(): void {
    void this.load()
  }

  private load = async (): Promise<void> => {
    const one = await this.attempt('load', () => call('get', '/reviews/{review}', { at: { review: this.review } }))
    if (!one) return
    const first = !this.one
    this.one = one
    this.conflict = undefined
    if (!first) return
    const { topics, signs, wording } = one.should
    const kind = wording && !topics && !signs ? 'content' : 'training'
    this.form = { kind, sentence: '', labels: topics ?? [], signs: signs ?? [], new: wording ?? '', branch: false }
  }

  protected override render(): TemplateResult {
    const { one } = this
    return html`<p class="go"><a href=${link(['reviews'])}>Review queue</a></p>
      <h1>Review${one ? html` <span class="chip">${STATES[one.state]}</span>` : nothing}</h1>
      ${one ? this.page(one) : this.problem ? trouble(this.problem, this.load) : waiting('Reading the review')}`
  }

  private page(one: Review): TemplateResult {
    const where = one.conversation ? link(['conversations', one.conversation], { turn: one.turn }) : ''
    return html`<div class="halves">
        <section class="card" aria-labelledby="was"><h2 id="was">What happened</h2>
          ${one.was.text === null ? html`<p class="none">The conversation was deleted, its words with it.</p>` : html`<blockquote class="said" dir="auto">${one.was.text}</blockquote>`}
          <p class="line">${level(one.was.level)}${chips(one.was.topics, names.topic)}${chips(one.was.signs, names.sign, 'bad')}</p>
          ${one.was.reply ? html`<p class="who">The bot</p><div class="bubble" dir="auto">${one.was.reply}</div>` : nothing}
          ${where ? html`<p class="go"><a href=${where}>See why, in the X-ray</a></p>` : nothing}
        </section>
        <section class="card" aria-labelledby="should"><h2 id="should">What it should have been</h2>
          <p>${names.words(marks(one.should))}</p>
          ${one.should.wording ? html`<p class="who">Better wording, as suggested</p><blockquote class="said">${one.should.wording}</blockquote>` : nothing}
          ${one.should.note ? html`<p class="who">Note</p><p>${one.should.note}</p>` : nothing}
          <p class="small">Marked by ${one.made_by}, ${names.moment(one.made_at)}</p>
        </section>
      </div>
      ${this.conflict ? this.first(this.conflict) : nothing}
      ${one.state === 'open' ? (may('editor') ? this.decide() : html`<p class="hint">An editor decides about this. You will see here what became of it.</p>`) : this.decided(one)}`
  }

  private first(problem: Problem): TemplateResult {
    return html`<div class="trouble" role="alert"><p>${problem.fault.by ? `${problem.fault.by} was faster than you: this review has changed since you opened it.` : problem.message} Nothing of yours was applied, and what you typed is still here.</p>
      <button type="button" @click=${this.load}>Show how it stands now</button></div>`
  }

  private decided(one: Review): TemplateResult {
    const { made } = one
    return html`<section class="card" aria-labelledby="done"><h2 id="done">${STATES[one.state]} by ${one.decided_by ?? 'somebody'}</h2>
      ${one.decided_at ? html`<p class="small">${names.moment(one.decided_at)}</p>` : nothing}
      ${one.reason ? html`<p>Because: ${one.reason}</p>` : nothing}
      ${made?.sentence ? html`<p>Sentence: “${made.sentence}”</p>` : nothing}
      ${made?.file ? html`<p>Changes <span class="code">${made.file}</span>.</p>` : nothing}
      ${made?.branch ? html`<p>It stands on the branch <span class="code">${made.branch}</span>.</p>` : nothing}
      ${trouble(this.problem)}
      ${may('editor')
        ? html`<p class="buttons">${made?.patch ? html`<button type="button" class="main" @click=${this.download}>Download the patch</button>` : nothing}
            <button type="button" ?disabled=${this.busy !== ''} @click=${this.reopen}>Undo: decide again</button></p>
            ${made?.patch ? html`<p class="hint">Give the file to whoever looks after the bot: they apply it with <span class="code">git apply</span> and train the bot anew. Only then does the bot change.</p>` : nothing}`
        : nothing}</section>`
  }

  private decide(): TemplateResult {
    const { form } = this
    const sentence = form.kind === 'training' || form.kind === 'heldout'
    const { labels, signs, can_commit: canCommit } = names.about()
    return html`<section class="card" aria-labelledby="decide"><h2 id="decide">Decide</h2>
      <form @submit=${this.accept} aria-labelledby="decide">
        <fieldset class="choices"><legend>What shall become of it?</legend>${KINDS.map(
          ({ id, title, help }) => html`<label><input type="radio" name="kind" value=${id} .checked=${form.kind === id} @change=${() => this.set({ kind: id })}>
            <span>${title} <span class="small">${help}</span></span></label>`,
        )}</fieldset>
        ${sentence
          ? html`<label class="field"><span>A sentence that asks the same, in your own words</span>
                <textarea rows="2" maxlength="1000" name="sentence" .value=${form.sentence ?? ''} @input=${(event: Event) => this.set({ sentence: (event.target as HTMLTextAreaElement).value })}></textarea></label>
              <p class="hint">Do not copy what the person wrote: words of patients never go into the bot’s files.</p>
              <milia-picker label="It asks for (the main one first)" .options=${labels.map((id) => ({ id, title: names.topic(id) }))} .chosen=${form.labels ?? []} .change=${(chosen: string[]) => this.set({ labels: chosen })}></milia-picker>
              <details ?open=${Boolean(this.one?.should.signs)}><summary>It is about warning signs</summary>
                <milia-picker label="Warning signs in it (none: it only looks like one)" .options=${signs} .chosen=${form.signs ?? []} .change=${(chosen: string[]) => this.set({ signs: chosen })}></milia-picker></details>`
          : nothing}
        ${form.kind === 'content' ? html`<milia-wording-form .form=${form} .topics=${this.one!.was.topics.filter(names.isTopic)} .change=${(part: Partial<Accept>) => this.set(part)}></milia-wording-form>` : nothing}
        ${canCommit && form.kind !== 'none'
          ? html`<label class="tick"><input type="checkbox" .checked=${form.branch ?? false} @change=${(event: Event) => this.set({ branch: (event.target as HTMLInputElement).checked })}> Make a branch with this change, too</label>`
          : nothing}
        ${this.missing ? html`<p class="error" role="alert">${this.missing}</p>` : nothing}
        ${this.findings()}
        ${trouble(this.problem)}
        <p class="buttons">
          <button class="main" ?disabled=${this.busy !== ''}>Accept</button>
          ${form.kind === 'none' ? nothing : html`<button type="button" ?disabled=${this.busy !== ''} @click=${this.check}>Check first</button>`}
          <button type="button" class="quiet" aria-expanded=${this.rejecting} @click=${() => (this.rejecting = !this.rejecting)}>Reject …</button>
        </p>
      </form>
      ${this.rejecting
        ? html`<form class="reject" aria-label="Reject" @submit=${this.reject}>
            <label class="field"><span>Why is it not taken? The one who marked it reads this.</span>
              <textarea rows="2" required maxlength="2000" .value=${this.reason} @input=${(event: Event) => (this.reason = (event.target as HTMLTextAreaElement).value)}></textarea></label>
            <p class="buttons"><button class="main" ?disabled=${this.busy !== ''}>Reject it</button></p></form>`
        : nothing}</section>`
  }

  /** What was found out before accepting: near-duplicates, faults, the patch. */
  private findings(): Part {
    const { checked } = this
    const overlaps = checked?.overlaps ?? this.problem?.fault.overlaps ?? []
    if (!checked && !overlaps.length) return nothing
    const near = overlaps.some((one) => !one.blocks)
    return html`<div class="findings" role="status">
      ${checked?.users_words ? html`<p class="error">This is too near to what the person wrote. Say it in words of your own.</p>` : nothing}
      ${checked?.faults.length ? html`<ul class="error">${checked.faults.map((one) => html`<li>${one}</li>`)}</ul>` : nothing}
      ${overlaps.length ? html`<h3>There are sentences like it</h3><ul>${overlaps.map(overlap)}</ul>` : nothing}
      ${near
        ? html`<label class="tick"><input type="checkbox" .checked=${this.form.anyway ?? false} @change=${(event: Event) => this.set({ anyway: (event.target as HTMLInputElement).checked }, true)}> I have seen them, and want it anyway</label>`
        : nothing}
      ${checked && !checked.faults.length && !checked.users_words && !overlaps.length ? html`<p class="good">Nothing speaks against it.</p>` : nothing}
      ${checked?.patch ? html`<details open><summary>What would change</summary><pre tabindex="0" role="region" aria-label="What would change">${checked.patch}</pre></details>` : nothing}
    </div>`
  }

  private set(part: Partial<Accept>, keep = false): void {
    this.form = { ...this.form, ...part }
    this.missing = ''
    if (keep) return
    this.checked = undefined
    if (this.problem?.fault.overlaps) this.problem = undefined
  }

  /** What is sent: only what belongs to the kind. */
  private get body(): Accept {
    const { kind, sentence, labels, signs, file, old, new: fresh, anyway, branch } = this.form
    const start = { version: this.one!.version, kind }
    if (kind === 'none') return start
    const more = { ...(anyway ? { anyway } : {}), ...(branch ? { branch } : {}) }
    if (kind === 'content') return { ...start, file, old, new: fresh, ...more }
    const withSigns = this.one!.should.signs || signs?.length ? { signs: signs ?? [] } : {}
    return { ...start, sentence: sentence?.trim(), ...(labels?.length ? { labels } : {}), ...withSigns, ...more }
  }

  private complete(): boolean {
    const { kind, sentence, labels, signs, file, old, new: fresh } = this.form
    if (kind === 'content') this.missing = file && old && fresh?.trim() ? '' : 'Choose the wording that is to be changed, and write the new one.'
    else if (kind === 'none') this.missing = ''
    else if (!sentence?.trim()) this.missing = 'Write a sentence in your own words.'
    else this.missing = labels?.length || signs?.length || this.one!.should.signs ? '' : 'Tick what the sentence asks for.'
    return !this.missing
  }

  private check = async (): Promise<void> => {
    if (!this.complete()) return
    this.checked = await this.attempt('check', () => call('post', '/reviews/{review}/check', { at: { review: this.review }, body: this.body }))
  }

  private accept = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!this.complete()) return
    await this.change('Accepted.', () => call('post', '/reviews/{review}/accept', { at: { review: this.review }, body: this.body }))
  }

  private reject = async (event: Event): Promise<void> => {
    event.preventDefault()
    const body = { version: this.one!.version, reason: this.reason.trim() }
    await this.change('Rejected.', () => call('post', '/reviews/{review}/reject', { at: { review: this.review }, body }))
  }

  private reopen = async (): Promise<void> => {
    await this.change('It waits for a decision again.', () => call('post', '/reviews/{review}/reopen', { at: { review: this.review }, body: { version: this.one!.version } }))
  }

  private async change(done: string, what: () => Promise<Review>): Promise<void> {
    const one = await this.attempt('change', what)
    if (one) {
      this.one = one
      this.checked = undefined
      this.rejecting = false
      say(done)
    } else if (this.problem?.code === 'conflict') {
      this.conflict = this.problem
      this.problem = undefined
    }
  }

  private download = async (): Promise<void> => {
    const patch = await this.attempt('patch', () => text('/reviews/{review}/patch', { review: this.review }))
    if (patch) save(`review-${this.review}.patch`, patch, 'text/x-diff')
  }
}

function overlap(one: Overlap): TemplateResult {
  return html`<li>“${one.text}” <span class="small">${names.topic(one.label)}, ${SETS[one.set]} (<span class="code">${one.file}</span>), ${names.percent(one.likeness)} alike</span>
    ${one.blocks ? html`<strong class="error">It stands in the other set already: this sentence cannot be taken. Word it differently.</strong>` : nothing}</li>`
}
