/** Dialog tests: conversations that must always go right. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { call, may, Problem, upload } from '../api'
import type { Job, TestRow } from '../types'
import * as names from '../names'
import { choice, empty, trouble, waiting, type Part } from '../parts'
import { go, link } from '../router'
import { View } from '../view'
import { OPEN, STATES } from './run'

const TYPES: { [ending: string]: string } = { csv: 'text/csv', jsonl: 'application/x-ndjson', ndjson: 'application/x-ndjson' }

@customElement('milia-tests')
export class Tests extends View {
  @state() private rows?: TestRow[]
  @state() private jobs: Omit<Job, 'results'>[] = []
  @state() private words = ''
  @state() private ticked: string[] = []
  @state() private model = ''
  @state() private fault?: Problem

  protected override firstUpdated(): void {
    void this.load()
  }

  private load = async (): Promise<void> => {
    const found = await this.attempt('load', () => Promise.all([call('get', '/tests'), call('get', '/jobs')]))
    if (!found) return
    this.rows = found[0].tests
    this.jobs = found[1].jobs
  }

  protected override render(): TemplateResult {
    return html`<h1>Tests</h1>
      <p class="hint">A test is a conversation with what must come back. Run them after a change: what went right before must still go right.</p>
      ${trouble(this.problem, this.rows ? undefined : this.load)}
      ${this.rows ? html`${this.running()}${this.list(this.rows)}${may('editor') ? this.replay() : nothing}${this.runs()}` : this.problem ? nothing : waiting('Reading the tests')}`
  }

  private running(): Part {
    const job = this.jobs.find((one) => OPEN.includes(one.state))
    if (job?.kind === 'training') return html`<p class="hint">A model is being trained; tests can be run when that is over. <a href=${link(['training'])}>Watch it</a></p>`
    return job ? html`<p class="hint">A run is going on: ${job.done} of ${job.total} done. <a href=${link(['tests', 'runs', job.id])}>Watch it</a></p>` : nothing
  }

  private list(rows: TestRow[]): TemplateResult {
    const broken = rows.filter((one) => one.broken.length)
    const asked = this.words.toLowerCase()
    const fit = rows.filter((one) => `${one.name} ${one.why} ${one.file}`.toLowerCase().includes(asked))
    const files = [...new Set(fit.map((one) => one.file))]
    const edit = may('editor')
    return html`<section aria-labelledby="all"><h2 id="all">${names.count(rows.length, 'test')}${broken.length ? html` <span class="chip bad">${broken.length} broken</span>` : nothing}</h2>
      ${rows.length
        ? html`<form class="filters" aria-label="Run tests" @submit=${(event: Event) => event.preventDefault()}>
            <label class="field"><span>Find a test</span><input type="search" .value=${this.words} @input=${(event: Event) => (this.words = (event.target as HTMLInputElement).value)}></label>
            ${edit && names.about().models.length > 1 ? this.models() : nothing}
            ${edit
              ? html`<p class="buttons"><button type="button" class="main" ?disabled=${this.busy !== ''} @click=${() => this.run()}>Run all</button>
                  <button type="button" ?disabled=${this.busy !== '' || !this.ticked.length} @click=${() => this.run(this.ticked)}>Run the ${this.ticked.length || ''} ticked</button></p>`
              : nothing}
          </form>
          ${broken.length ? html`<div class="trouble"><h3>Broken tests</h3><p>They can not run until their file is put right. They are not skipped: a run reports them as failed.</p><ul>${broken.map((one) => html`<li>${this.name(one)}: ${one.broken.join(' ')}</li>`)}</ul></div>` : nothing}
          ${files.map((file) => this.file(file, fit.filter((one) => one.file === file && !one.broken.length)))}
          ${fit.length ? nothing : empty('No test fits.', `Nothing has “${this.words}” in its name or reason.`)}`
        : empty('There are no tests yet.', 'Try a conversation, and keep it as a test when it went as it should.', html`<a class="button" href=${link(['try'])}>Go to “Try it”</a>`)}
    </section>`
  }

  private name(one: TestRow): TemplateResult {
    return html`<a href=${link(['tests', 'file'], { name: one.file })}>${one.name}</a>`
  }

  private file(file: string, rows: TestRow[]): Part {
    if (!rows.length) return nothing
    const bad = rows.filter((one) => one.last?.passed === false).length
    return html`<details class="part" ?open=${this.words !== '' || bad > 0}>
      <summary><h3>${names.words(file.replace(/\.ya?ml$/, ''))}</h3> <span class="digest">${names.count(rows.length, 'test')}${bad ? `, ${bad} failed last time` : ''}</span></summary>
      <p class="go"><a href=${link(['tests', 'file'], { name: file })}>${may('editor') ? 'Edit' : 'Read'} the file ${file}</a></p>
      <ul class="rows">${rows.map(
        (one) => html`<li>
          ${may('editor')
            ? html`<label class="tick"><input type="checkbox" .checked=${this.ticked.includes(one.name)} @change=${(event: Event) => this.tick(one.name, (event.target as HTMLInputElement).checked)}> ${one.name}</label>`
            : html`<p>${one.name}</p>`}
          <p class="small">${one.why} · ${names.count(one.turns, 'turn')} · ${one.last
            ? html`<span class=${one.last.passed ? 'good' : 'bad-text'}>${one.last.passed ? 'passed' : 'failed'}</span> ${names.moment(one.last.at)}`
            : 'not run yet'}</p>
        </li>`,
      )}</ul></details>`
  }

  private models(): TemplateResult {
    const { models } = names.about()
    return choice('With', '', models.map((one) => ({ id: one.current ? '' : one.name, title: one.current ? 'The running model' : `${one.name}, ${names.moment(one.made_at)}` })), this.model, (model) => (this.model = model))
  }

  private tick(name: string, on: boolean): void {
    this.ticked = on ? [...this.ticked, name] : this.ticked.filter((one) => one !== name)
  }

  private run = async (chosen?: string[]): Promise<void> => {
    const body = { kind: 'tests' as const, ...(chosen ? { names: chosen } : {}), ...(this.model ? { model: this.model } : {}) }
    const job = await this.attempt('run', () => call('post', '/jobs', { body }))
    if (job) go(link(['tests', 'runs', job.id]))
  }

  private replay(): TemplateResult {
    const { upload: limits } = names.about()
    const size = `${Math.floor(limits.bytes / 1_000_000)} MB`
    return html`<section class="card" aria-labelledby="replay"><h2 id="replay">Replay messages from a file</h2>
      <p class="hint">A CSV file with a column <span class="code">text</span> (and, if rows belong together, <span class="code">conversation</span>), or JSON lines like <span class="code">{"text": "…"}</span>. At most ${size} and ${names.count(limits.rows, 'row')}. The bot answers each message; nothing is stored among conversations.</p>
      <form class="filters" aria-labelledby="replay" @submit=${this.send}>
        <label class="field"><span>File</span><input type="file" name="file" accept=".csv,.jsonl,.ndjson" required></label>
        <p class="buttons"><button ?disabled=${this.busy !== ''}>${this.busy === 'upload' ? 'Sending …' : 'Replay it'}</button></p>
      </form>${trouble(this.fault)}</section>`
  }

  private send = async (event: Event): Promise<void> => {
    event.preventDefault()
    const file = (event.target as HTMLFormElement).querySelector<HTMLInputElement>('input[type=file]')!.files?.[0]
    if (!file) return
    const type = TYPES[file.name.split('.').at(-1)!.toLowerCase()]
    const { bytes } = names.about().upload
    if (!type) this.fault = new Problem(422, { detail: `“${file.name}” is neither .csv nor .jsonl. Save your table as CSV, then choose it again.` })
    else if (file.size > bytes) this.fault = new Problem(413, { detail: `“${file.name}” has ${(file.size / 1e6).toFixed(1)} MB; at most ${(bytes / 1e6).toFixed(0)} MB can be replayed. Split it into several files.` })
    else {
      const job = await this.attempt('upload', () => upload(file, type, { name: file.name, ...(this.model ? { model: this.model } : {}) }))
      this.fault = this.problem
      this.problem = undefined
      if (job) go(link(['tests', 'runs', job.id]))
    }
  }

  private runs(): TemplateResult {
    const runs = this.jobs.filter((one) => one.kind !== 'training')
    return html`<section aria-labelledby="runs"><h2 id="runs">Runs until now</h2>
      ${runs.length
        ? html`<ol class="rows">${runs.map(
            (one) => html`<li><a href=${link(['tests', 'runs', one.id])}>${one.kind === 'tests' ? `${names.count(one.total, 'test')}` : `Replay of ${one.file ?? 'a file'}`}, ${names.moment(one.made_at)}</a>
              <p class="small">${STATES[one.state]}${one.kind === 'tests' && one.passed !== undefined && one.state === 'done' ? `: ${one.passed} of ${one.total} passed` : ''} · by ${one.made_by} · model ${one.model}</p></li>`,
          )}</ol>`
        : html`<p class="none">Nothing was run yet.</p>`}</section>`
  }
}
