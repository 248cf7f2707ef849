/** Another model beside the running one, before it serves: on all dialog tests, and on a message. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from './api'
import './compare'
import * as names from './names'
import { choice, trouble, type Part } from './parts'
import { link } from './router'
import type { Job, Training, Turn } from './types'
import { View } from './view'

@customElement('milia-compare-models')
export class CompareModels extends View {
  @property() running = ''
  @property({ attribute: false }) others: Training['models'] = []
  @state() private chosen = ''
  /** The latest whole runs of tests, by model. */
  @state() private runs: { [model: string]: Job } = {}
  @state() private job?: Job
  @state() private said = ''
  /** What the running model said; none before both are asked. */
  @state() private turns: Turn[] = []

  protected override firstUpdated(): void {
    void this.find()
  }

  /** The one that knows the files, else the newest. */
  private get other(): string {
    const named = this.others.find((one) => one.name === this.chosen) ?? this.others.find((one) => one.is_present) ?? this.others[0]!
    return named.name
  }

  /** Look for the runs that both models have done already. */
  private find = async (): Promise<void> => {
    const found = await this.attempt('find', () => call('get', '/jobs'))
    const most = Math.max(0, ...(found?.jobs ?? []).filter((one) => one.kind === 'tests').map((one) => one.total))
    for (const model of [this.running, this.other]) {
      const run = found?.jobs.find((one) => one.kind === 'tests' && one.state === 'done' && one.model === model && one.total === most)
      const job = run && (await this.attempt('find', () => call('get', '/jobs/{job}', { at: { job: run.id } })))
      if (job) this.runs = { ...this.runs, [model]: job }
    }
  }

  protected override render(): TemplateResult {
    const options = this.others.map((one) => ({ id: one.name, title: `${one.name}, ${names.moment(one.made_at)}` }))
    return html`<section class="card" aria-labelledby="compare">
      <h2 id="compare">Compare before it serves</h2>
      ${choice('Compare the running model with', '', options, this.other, this.choose)}
      ${this.tests()}
      <form aria-label="A message for both" @submit=${this.ask}>
        <label class="field"><span>A message that both answer</span><input maxlength="2000" required .value=${this.said} @input=${(event: Event) => (this.said = (event.target as HTMLInputElement).value)}></label>
        <p class="buttons"><button ?disabled=${this.busy !== ''}>${this.busy === 'ask' ? 'The running model is answering …' : 'Ask both'}</button></p>
      </form>
      ${this.turns.length ? html`<milia-compare .turns=${this.turns} .only=${this.other}></milia-compare>` : nothing}
      ${trouble(this.problem)}
    </section>`
  }

  private tests(): Part {
    const mine = this.runs[this.running]
    const theirs = this.runs[this.other]
    const going = this.busy === 'tests'
    const fresh = mine && theirs
    return html`<p class="buttons"><button type="button" ?disabled=${this.busy !== ''} @click=${this.run}>${fresh ? 'Run the tests with both again' : 'Run the tests with both'}</button></p>
      ${going ? html`<label class="field"><span>${this.job ? `${this.job.model === this.running ? 'The running model' : 'The other model'}: ${this.job.done} of ${this.job.total} tests` : 'Starting'}</span><progress max=${Math.max(1, this.job?.total ?? 1)} .value=${this.job?.done ?? 0}></progress></label>` : nothing}
      ${fresh && !going ? this.result(mine, theirs) : nothing}`
  }

  private result(mine: Job, theirs: Job): TemplateResult {
    const passed = new Map(mine.results.map((one) => [one.name, one.passed]))
    const better = theirs.results.filter((one) => one.passed && passed.get(one.name) === false)
    const worse = theirs.results.filter((one) => !one.passed && passed.get(one.name))
    const list = (title: string, rows: Job['results'], kind: string) => (rows.length ? html`<h3 class=${kind}>${title}</h3><ul>${rows.map((one) => html`<li>${one.name}</li>`)}</ul>` : nothing)
    return html`<div role="status">
      <p class="lead">The running model passes ${mine.passed} of ${mine.total} tests, the other one ${theirs.passed}.</p>
      ${list('Right with the other model only', better, 'good')}${list('Right with the running model only', worse, 'bad-text')}
      ${better.length || worse.length ? nothing : html`<p>They pass the same tests.</p>`}
      <p class="small">What went wrong: <a href=${link(['tests', 'runs', mine.id])}>the running model</a>, <a href=${link(['tests', 'runs', theirs.id])}>the other one</a>.</p></div>`
  }

  private choose = (model: string): void => {
    this.chosen = model
    void this.find()
  }

  private run = async (): Promise<void> => {
    const models = [this.running, this.other]
    await this.attempt('tests', async () => {
      for (const model of models) {
        this.job = undefined
        const { id } = await call('post', '/jobs', { body: { kind: 'tests', model } })
        const job = await this.follow(id, (now) => (this.job = now))
        if (job.state !== 'done') return
        this.runs = { ...this.runs, [model]: job }
      }
    })
  }

  /** Ask the running model; what is compared with it asks the other one. */
  private ask = async (event: Event): Promise<void> => {
    event.preventDefault()
    this.turns = []
    const turn = await this.attempt('ask', async () => {
      const { id } = await call('post', '/tries', { body: {} })
      return call('post', '/tries/{try}/messages', { at: { try: id }, body: { text: this.said } })
    })
    if (turn) this.turns = [turn]
  }
}
