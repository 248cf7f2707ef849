/** Training: what the running model does not know yet, teaching it, comparing, and letting the new one serve. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { call, may } from '../api'
import '../compare-models'
import type { Job, Training } from '../types'
import * as names from '../names'
import { empty, table, trouble, waiting, type Part } from '../parts'
import { link } from '../router'
import { say, View } from '../view'
import { OPEN, STATES } from './run'

type Model = Training['models'][number]
type Accepted = Training['accepted'][number]
type Step = NonNullable<Job['steps']>[number]
const KINDS: { [kind in Training['changes'][number]['kind']]: string } = {
  training: 'Training sentences',
  signs: 'Sentences for warning signs',
  content: 'What the bot says',
  configuration: 'Configuration',
  code: 'Program',
  packages: 'Libraries',
}
const ENDS: { [state in Step['state']]: string } = { running: 'going on', ok: 'done', failed: 'failed', stopped: 'stopped', cancelled: 'stopped' }

@customElement('milia-training')
export class TrainingPage extends View {
  @state() private now?: Training
  /** Accepted reviews that are not to be taken along. */
  @state() private left: string[] = []
  /** The model that is about to be put in service. */
  @state() private asked = ''

  protected override firstUpdated(): void {
    void this.load()
  }

  private load = async (): Promise<void> => {
    const now = await this.attempt('load', () => call('get', '/training'))
    if (!now) return
    this.now = now
    this.watch()
  }

  private get going(): boolean {
    return OPEN.includes(this.now?.job?.state ?? 'done')
  }

  private watch(): void {
    if (this.going) this.lookAgain(this.look)
    else this.stopLooking()
  }

  /** See how far the training is; once it is over, see what became of it. */
  private look = async (): Promise<void> => {
    const { id } = this.now!.job!
    const job = await this.attempt('look', () => call('get', '/jobs/{job}', { at: { job: id } }))
    if (job) this.now = { ...this.now!, job }
    if (this.going) return this.watch()
    await this.attempt('load', names.load)
    await this.load()
    say(job?.state === 'done' ? 'The training is done. Compare the new model with the running one, then decide.' : 'The training has ended without a new model.')
  }

  protected override render(): TemplateResult {
    const { now } = this
    return html`<h1>Training</h1>
      <p class="hint">The bot knows what was accepted after a training. Meanwhile the running model goes on answering, and a new one answers people only once an admin puts it in service.</p>
      ${trouble(this.problem, now ? undefined : this.load)}
      ${now ? html`${this.news(now)}${now.job ? this.job(now.job, now.last_seconds) : nothing}${this.comparison(now)}${this.models(now)}` : this.problem ? nothing : waiting('Reading what is new')}`
  }

  private news(now: Training): TemplateResult {
    const news = now.accepted.length || now.changes.length || (now.present !== now.running && !now.is_recorded)
    const ready = now.is_trained && !this.taken.length
    return html`<section class="card" aria-labelledby="news">
      <h2 id="news">What the running model does not know yet</h2>
      <p class="lead">${now.accepted.length
        ? `${names.count(now.accepted.length, 'accepted change')} ${now.accepted.length === 1 ? 'is' : 'are'} new to it.`
        : news
          ? 'The files have changed since it was trained.'
          : 'Nothing: it has learned all that is in the files.'}</p>
      ${now.accepted.length ? html`<ul class="rows">${now.accepted.map((one) => this.accepted(one, now.can_take))}</ul>` : nothing}
      ${now.is_recorded || now.present === now.running ? nothing : html`<p class="hint">It was not recorded what this model has learned from, so the changed files cannot be listed.</p>`}
      ${now.changes.length
        ? html`<details class="part"><summary><h3>Changed files</h3> <span class="digest">${names.count(now.changes.length, 'file')}</span></summary>
            ${table('Files that differ from what the running model has learned from', ['File', 'What', 'New lines', 'Lines gone'], now.changes.map((one) => [html`<span class="code">${one.file}</span>`, KINDS[one.kind], one.added, one.removed]), true)}</details>`
        : nothing}
      ${now.available ? this.start(Boolean(news), ready) : elsewhere(now.reason)}
    </section>`
  }

  private accepted(one: Accepted, canTake: boolean): TemplateResult {
    const name = one.sentence ? `“${one.sentence}”` : `A wording in ${one.file}`
    const by = `accepted by ${one.by}, ${names.moment(one.at)}`
    return html`<li>
      <a href=${link(['reviews', one.review])}>${name}</a>
      <p class="small"><span class="code">${one.file}</span> · ${by}</p>
      ${one.in_files
        ? html`<p class="small">It is in the project’s files.</p>`
        : canTake && may('editor')
          ? html`<label class="tick"><input type="checkbox" .checked=${!this.left.includes(one.review)} ?disabled=${this.going} @change=${(event: Event) => this.choose(one.review, (event.target as HTMLInputElement).checked)}> Put it into the project’s files, and learn it</label>`
          : html`<p class="small">It is not in the project’s files yet: apply its patch first.</p>`}
    </li>`
  }

  private start(news: boolean, ready: boolean): Part {
    if (!may('editor')) return html`<p class="hint">An editor can train a new model.</p>`
    const { last_seconds: usual, present, running } = this.now!
    const hint = !ready || !news ? (usual ? `It took ${names.duration(usual)} the last time.` : 'It takes ten minutes or more, and slows the bot a little.') : present === running ? 'Tick what it is to learn.' : 'A model that knows it is there: compare it below.'
    return html`<p class="buttons"><button type="button" class="main" ?disabled=${this.busy === 'start' || this.going || !news || ready} @click=${this.train}>${this.busy === 'start' ? 'Starting …' : 'Train a new model'}</button>
      <span class="small">${hint}</span></p>`
  }

  private job(job: Job, usual: number | null): TemplateResult {
    const steps = job.steps ?? []
    const step = steps.at(-1)
    const seconds = job.seconds ?? 0
    const share = this.going && usual ? Math.min(0.99, seconds / usual) : nothing
    return html`<section class="card" aria-labelledby="training">
      <h2 id="training">${this.going ? 'A model is being trained' : `Latest training: ${STATES[job.state].toLowerCase()}`}</h2>
      ${this.going
        ? html`<p class="lead" role="status">${step ? step.title : 'It begins …'}</p>
            <label class="field"><span>${names.duration(seconds)}${usual ? ` of about ${names.duration(usual)}` : ''}${step?.detail ? ` · ${step.detail}` : ''}</span><progress max="1" value=${share}></progress></label>`
        : html`<p>${job.state === 'done' ? html`It made the model <span class="code">${job.model}</span> in ${names.duration(seconds)}.` : `It ended after ${names.duration(seconds)}. The running model was not touched.`}</p>`}
      ${job.error ? html`<pre class="error" tabindex="0" role="region" aria-label="Why it failed">${job.error}</pre>` : nothing}
      ${steps.length
        ? html`<details ?open=${this.going || job.state === 'failed'}><summary>Its steps</summary><ol>${steps.map((one) => html`<li class=${one.state === 'failed' ? 'bad-text' : ''}>${one.title}: ${ENDS[one.state]}, ${names.duration(one.seconds)}</li>`)}</ol></details>`
        : nothing}
      <p class="small">Begun by ${job.made_by}, ${names.moment(job.made_at)}.</p>
      ${this.going && may('editor') ? html`<p class="buttons"><button type="button" ?disabled=${this.busy === 'cancel'} @click=${this.cancel}>${this.busy === 'cancel' ? 'Stopping …' : 'Cancel the training'}</button></p>` : nothing}
    </section>`
  }

  private comparison(now: Training): Part {
    const others = now.models.filter((one) => !one.in_service)
    if (!others.length || !may('editor') || this.going || !now.models.some((one) => one.in_service)) return nothing
    return html`<milia-compare-models .running=${now.running} .others=${others}></milia-compare-models>`
  }

  private models({ models, running }: Training): TemplateResult {
    return html`<section aria-labelledby="models"><h2 id="models">Models</h2>
      ${models.length
        ? html`<ul class="rows">${models.map((one) => this.model(one))}</ul>`
        : html`<p class="none">${running ? `${running} serves. Its archive is not on this server.` : 'There is no model.'}</p>`}</section>`
  }

  private model(one: Model): TemplateResult {
    const title = one.is_before ? `Go back to ${one.name} …` : `Put ${one.name} in service …`
    return html`<li><h3 class="code">${one.name}</h3>
      <p class="small">Made ${names.moment(one.made_at)}</p>
      <p class="line">${one.in_service ? html`<span class="chip">In service</span>` : nothing}${one.is_present ? html`<span class="chip">Knows the files as they are</span>` : nothing}${one.is_before ? html`<span class="chip">Served before</span>` : nothing}</p>
      ${one.in_service || !may('admin')
        ? nothing
        : this.asked === one.name
          ? html`<p>People get its answers from now on. ${one.is_before ? 'Wordings stay as the files have them.' : ''}</p>
              <p class="buttons"><button type="button" class="main" ?disabled=${this.busy === 'put'} @click=${() => this.put(one.name)}>${this.busy === 'put' ? 'Loading the model …' : 'Put it in service'}</button>
                <button type="button" class="quiet" ?disabled=${this.busy === 'put'} @click=${() => this.ask('')}>Not yet</button></p>`
          : html`<p class="buttons"><button type="button" @click=${() => this.ask(one.name)}>${title}</button></p>`}</li>`
  }

  private ask(model: string): void {
    this.asked = model
    void this.focusOn(model ? '.rows button.main' : '.rows button')
  }

  private choose(review: string, take: boolean): void {
    this.left = take ? this.left.filter((one) => one !== review) : [...this.left, review]
  }

  /** The reviews that are put into the files first. */
  private get taken(): string[] {
    const { accepted, can_take: can } = this.now!
    return can ? accepted.filter((one) => !one.in_files && !this.left.includes(one.review)).map((one) => one.review) : []
  }

  private train = async (): Promise<void> => {
    const job = await this.attempt('start', () => call('post', '/training', { body: { take: this.taken } }))
    const { problem } = this
    await this.load()
    this.problem = problem
    if (job) await this.focusOn('section[aria-labelledby=training] button')
  }

  private cancel = async (): Promise<void> => {
    this.stopLooking()
    const job = await this.attempt('cancel', () => call('post', '/jobs/{job}/cancel', { at: { job: this.now!.job!.id } }))
    if (!job) return this.watch()
    await this.load()
    say('The training is cancelled. The running model was not touched.')
  }

  private put = async (model: string): Promise<void> => {
    const before = this.now!.running
    const now = await this.attempt('put', () => call('put', '/training/service', { body: { model } }))
    if (!now) return
    this.now = now
    this.asked = ''
    await this.attempt('load', names.load)
    say(`${model} answers people now.`, () => void this.put(before))
  }
}

/** What to do where nothing can be trained. */
function elsewhere(reason: string | null): TemplateResult {
  return empty(
    'Models cannot be trained on this server.',
    html`${reason} Apply the accepted patches in a checkout of the project, run <span class="code">make train</span> there, and release the new model as any other version.`,
  )
}
