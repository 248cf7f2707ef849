/** A run of tests or of a file: how far it is, what failed, what changed since the run before. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call, may, text } from '../api'
import type { Job, Result } from '../types'
import * as names from '../names'
import { chips, empty, level, trouble, waiting } from '../parts'
import { link } from '../router'
import { save, say, View } from '../view'

export const STATES: { [state in Job['state']]: string } = {
  waiting: 'Waits to begin',
  loading: 'Loads the model',
  running: 'Running',
  done: 'Done',
  failed: 'Broke off',
  cancelled: 'Cancelled',
}
export const OPEN: Job['state'][] = ['waiting', 'loading', 'running']

@customElement('milia-run')
export class Run extends View {
  @property() job = ''
  @state() private one?: Job
  @state() private all = false

  protected override firstUpdated(): void {
    void this.load()
  }

  private get going(): boolean {
    return this.one !== undefined && !this.one.ended_at && OPEN.includes(this.one.state)
  }

  private load = async (): Promise<void> => {
    this.stopLooking()
    const one = await this.attempt('load', () => call('get', '/jobs/{job}', { at: { job: this.job } }))
    if (!one) return
    const went = this.going
    this.one = one
    if (this.going) this.lookAgain(this.load)
    else if (went) say(`The run has ended: ${this.outcome(one)}`)
  }

  private outcome(one: Job): string {
    if (one.state !== 'done' && one.kind === 'training') return `${STATES[one.state]} after ${names.duration(one.seconds ?? 0)}.`
    if (one.state !== 'done') return `${STATES[one.state]} after ${one.done} of ${one.total}.`
    if (one.kind === 'training') return `The model ${one.model} is trained.`
    return one.kind === 'tests' ? `${one.passed ?? 0} of ${one.total} passed.` : `${names.count(one.done, 'conversation')} replayed.`
  }

  protected override render(): TemplateResult {
    const { one } = this
    return html`<p class="go"><a href=${link(['tests'])}>Tests</a></p>
      <h1>${one?.kind === 'replay' ? `Replay of ${one.file ?? 'a file'}` : 'Run of tests'}</h1>
      ${trouble(this.problem, this.load)}
      ${one ? this.page(one) : this.problem ? nothing : waiting('Reading the run')}`
  }

  private page(one: Job): TemplateResult {
    const isTests = one.kind === 'tests'
    const wrong = one.results.filter((result) => result.passed === false || result.turns?.some((turn) => turn.changed.length))
    const shown = isTests && !this.all ? wrong : one.results
    const now = one.results.filter((result) => result.before !== null && result.before !== undefined && result.before !== result.passed)
    return html`<section class="card" aria-labelledby="state">
        <h2 id="state">${STATES[one.state]}</h2>
        <label class="field"><span>${one.done} of ${one.total} done</span><progress max=${Math.max(1, one.total)} .value=${one.done}></progress></label>
        ${this.going ? nothing : html`<p class="lead">${this.outcome(one)}</p>`}
        ${one.error ? html`<p class="error">${one.error}</p>` : nothing}
        ${now.length ? html`<p>Other than in the run before: ${now.map((result) => `“${result.name}” ${result.passed ? 'passes now' : 'fails now'}`).join('; ')}.</p>` : nothing}
        <p class="small">By ${one.made_by}, ${names.moment(one.made_at)}, with the model ${one.model}.</p>
        <p class="buttons">${this.going && may('editor') ? html`<button type="button" ?disabled=${this.busy === 'cancel'} @click=${this.cancel}>Cancel the run</button>` : nothing}
          ${this.going ? nothing : html`<button type="button" @click=${this.download}>Download the whole report</button>`}</p>
      </section>
      <section aria-labelledby="results"><h2 id="results">${isTests && !this.all ? 'Failed or changed' : 'Results'}</h2>
        ${isTests ? html`<label class="tick"><input type="checkbox" .checked=${this.all} @change=${(event: Event) => (this.all = (event.target as HTMLInputElement).checked)}> Show those that passed, too</label>` : nothing}
        ${shown.length
          ? html`${shown.map(result)}`
          : this.going
            ? html`<p class="none">Nothing so far.</p>`
            : one.state === 'done'
              ? empty(isTests ? 'Everything passed as before.' : 'There was nothing to replay.', 'No test failed, and no reply changed.')
              : html`<p class="none">Nothing was found before it ended.</p>`}
        ${one.next ? html`<p class="hint">There are more: download the whole report to see all.</p>` : nothing}
      </section>`
  }

  private cancel = async (): Promise<void> => {
    this.stopLooking()
    const one = await this.attempt('cancel', () => call('post', '/jobs/{job}/cancel', { at: { job: this.job } }))
    if (one) this.one = { ...one, results: one.results.length ? one.results : (this.one?.results ?? []) }
    if (this.going) this.lookAgain(this.load)
    else say('The run is cancelled. What was done until then is kept.')
  }

  private download = async (): Promise<void> => {
    const report = await this.attempt('report', () => text('/jobs/{job}/report', { job: this.job }))
    if (report !== undefined) save(`run-${this.job}.jsonl`, report, 'application/x-ndjson')
  }
}

function result(one: Result): TemplateResult {
  return html`<details class="part" ?open=${one.passed === false}>
    <summary><h3>${one.name}</h3> <span class="digest">${one.passed === true ? 'passed' : one.passed === false ? 'failed' : names.count(one.turns?.length ?? 0, 'turn')}${one.before === null || one.before === undefined || one.before === one.passed
      ? ''
      : one.before
        ? ', passed before'
        : ', failed before'}</span></summary>
    <ol class="sentences">${one.turns?.map(
      (turn) => html`<li class=${turn.differences.length ? 'bad' : ''}>
        <p class="bubble me" dir="auto">${turn.user}</p>
        ${turn.differences.length ? html`<ul class="error">${turn.differences.map((said) => html`<li>${said}</li>`)}</ul>` : nothing}
        ${turn.text ? html`<p class="bubble" dir="auto">${turn.text}</p>` : html`<p class="none">No reply.</p>`}
        <p class="line">${level(turn.level)}${chips(turn.topics, names.topic)}${chips(turn.signs, names.sign, 'bad')}</p>
        ${turn.changed.length ? html`<p>Changed since the run before: ${turn.changed.join('; ')}</p>` : nothing}
      </li>`,
    )}</ol></details>`
}
