/** Stored conversations: filter, search, page through. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from '../api'
import type { ConversationRow, Conversations as Page } from '../types'
import * as names from '../names'
import { chips, choice, empty, level, trouble, waiting } from '../parts'
import { go, link } from '../router'
import { View } from '../view'

const MARKS = {
  warning: 'With a warning sign',
  fallback: 'Not understood',
  low_confidence: 'The bot was unsure',
  not_helpful: 'Rated not helpful',
} as const
type Filters = { [name: string]: string }

@customElement('milia-conversations')
export class ConversationsView extends View {
  @property({ attribute: false }) query = new URLSearchParams()
  @state() private rows: ConversationRow[] = []
  @state() private page?: Page
  private asked = new AbortController()

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('query') && String(this.query) !== String(changed.get('query') ?? '#')) void this.load()
  }

  private get filters(): Filters {
    return Object.fromEntries(this.query)
  }

  private load = async (): Promise<void> => {
    this.asked.abort()
    this.asked = new AbortController()
    sessionStorage.setItem('milia-list', location.search)
    this.page = undefined
    this.rows = []
    await this.more()
  }

  private more = async (): Promise<void> => {
    const { signal } = this.asked
    const { from, to, ...rest } = this.filters
    const begin = from ? new Date(`${from}T00:00:00`).toISOString() : undefined
    const end = to ? new Date(`${to}T23:59:59`).toISOString() : undefined
    const query = { ...rest, from: begin, to: end, cursor: this.page?.next ?? undefined }
    const page = await this.attempt('load', () => call('get', '/conversations', { query, signal }))
    if (!page || signal.aborted) return
    const seen = this.rows.length
    this.rows = [...this.rows, ...page.conversations]
    this.page = page
    if (seen) await this.focusOn(`.rows > li:nth-child(${seen + 1}) a`)
  }

  private set = (part: Filters): void => go(link(['conversations'], { ...this.filters, ...part }))

  protected override render(): TemplateResult {
    const active = [...this.query.keys()].length > 0
    return html`<h1>Conversations</h1>
      <p class="hint">What people wrote and what the bot said. Names and contact data were taken out before it was stored.</p>
      ${this.form(active)}
      <div role="region" aria-label="Conversations found" aria-busy=${this.busy === 'load'}>
        ${this.page?.indexed === false ? html`<p class="hint">The newest conversations are still being read in. <button type="button" class="quiet" @click=${this.load}>Look again</button></p>` : nothing}
        ${this.rows.length ? html`<ol class="rows">${this.rows.map(row)}</ol>` : nothing}
        ${trouble(this.problem, this.page ? this.more : this.load)}
        ${this.page || this.problem ? nothing : waiting('Looking for conversations')}
        ${this.page ? this.end(this.page, active) : nothing}
      </div>`
  }

  private form(active: boolean): TemplateResult {
    const { topic = '', level: reached = '', sign = '', channel = '', from = '', to = '', q = '' } = this.filters
    const { topics, kinds, levels, signs, channels } = names.about()
    const date = (key: 'from' | 'to', label: string, value: string) =>
      html`<label class="field"><span>${label}</span><input type="date" .value=${value} @change=${(event: Event) => this.set({ [key]: (event.target as HTMLInputElement).value })}></label>`
    return html`<form class="filters" role="search" aria-label="Find conversations" @submit=${this.search}>
      <div class="search"><label class="field"><span>Words that people wrote</span><input type="search" name="q" maxlength="200" .value=${q}></label><button class="main">Search</button></div>
      <fieldset class="pills"><legend class="sr">Only conversations</legend>${Object.entries(MARKS).map(
        ([key, title]) => html`<label class="pill"><input type="checkbox" .checked=${this.query.has(key)}
          @change=${(event: Event) => this.set({ [key]: (event.target as HTMLInputElement).checked ? 'true' : '' })}> ${title}</label>`,
      )}</fieldset>
      <details ?open=${Boolean(topic || reached || sign || channel || from || to)}>
        <summary>More filters</summary>
        <div class="grid">
          ${choice('Topic', 'Any', [...topics, ...kinds], topic, (id) => this.set({ topic: id }))}
          ${choice('How urgent, at least', 'Any', levels, reached, (id) => this.set({ level: id }))}
          ${choice('Warning sign', 'Any', signs, sign, (id) => this.set({ sign: id }))}
          ${choice('Came by', 'Any way', channels.map((id) => ({ id, title: names.words(id) })), channel, (id) => this.set({ channel: id }))}
          ${date('from', 'From', from)}${date('to', 'Until', to)}
        </div>
      </details>
      ${active ? html`<p class="go"><a href=${link(['conversations'])}>Clear all filters</a></p>` : nothing}
    </form>`
  }

  private search = (event: Event): void => {
    event.preventDefault()
    this.set({ q: String(new FormData(event.target as HTMLFormElement).get('q')).trim() })
  }

  private end({ next, complete, searched_to }: Page, active: boolean): TemplateResult {
    const shown = html`<p class="small" role="status">${names.count(this.rows.length, 'conversation')} shown${next ? '' : ', no more'}.</p>`
    if (next)
      return html`${shown}${complete ? nothing : html`<p class="hint">Searched back to ${searched_to ? names.moment(searched_to) : 'some point'} so far.</p>`}
        <p><button type="button" ?disabled=${this.busy !== ''} @click=${this.more}>${complete ? 'Show more' : 'Search further back'}</button></p>`
    if (this.rows.length) return shown
    return active
      ? empty('No conversation fits.', 'Take out a filter, or search for fewer words.', html`<a class="button" href=${link(['conversations'])}>Clear all filters</a>`)
      : empty('No conversations yet.', 'As soon as somebody writes to the bot, the conversation stands here. Until then:', html`<a class="button" href=${link(['try'])}>Try it yourself</a>`)
  }
}

function row(one: ConversationRow): TemplateResult {
  return html`<li>
    <a href=${link(['conversations', one.id])}>${one.first_text || '(nothing written)'}</a>
    <p class="line">${one.level === 'provider_routine' ? nothing : level(one.level)}${chips(one.signs, names.sign, 'bad')}${chips(one.topics, names.topic)}
      ${one.fallback ? html`<span class="chip bad">Not understood</span>` : nothing}
      ${one.not_helpful ? html`<span class="chip bad">Not helpful</span>` : nothing}
      ${one.reviews ? html`<span class="chip">${names.count(one.reviews, 'review')}</span>` : nothing}</p>
    <p class="small">${names.moment(one.last_at)} · ${names.words(one.channel)} · ${names.count(one.turns, 'turn')}${one.lowest_confidence === null
      ? nothing
      : html` · at least ${names.percent(one.lowest_confidence)} sure`}</p>
  </li>`
}
