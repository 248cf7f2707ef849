/** What people asked that the article does not answer: a to-do list for the editors. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from '../api'
import type { UnansweredRow } from '../types'
import * as names from '../names'
import { bar, choice, empty, trouble, waiting } from '../parts'
import { go, link } from '../router'
import { View } from '../view'
import { tabs } from './content'

const PERIODS = [30, 90, 365]

@customElement('milia-unanswered')
export class Unanswered extends View {
  @property({ attribute: false }) query = new URLSearchParams()
  @state() private rows?: UnansweredRow[]

  private get days(): number {
    const days = Number(this.query.get('days'))
    return PERIODS.includes(days) ? days : 90
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('query')) void this.load()
  }

  private load = async (): Promise<void> => {
    const from = new Date(Date.now() - this.days * 86_400_000).toISOString()
    this.rows = (await this.attempt('load', () => call('get', '/content/unanswered', { query: { from } })))?.rows
  }

  protected override render(): TemplateResult {
    const { rows } = this
    const most = Math.max(...(rows ?? []).map((one) => one.turns), 1)
    return html`<h1>Content</h1>${tabs('unanswered')}
      <p class="hint">Most asked first: what an article would have to say so that the bot could answer it.</p>
      <form class="filters" aria-label="Time" @submit=${(event: Event) => event.preventDefault()}>
        ${choice('Time', '', PERIODS.map((days) => ({ id: String(days), title: days === 365 ? 'The last year' : `The last ${days} days` })), String(this.days), (days) => go(link(['content', 'unanswered'], { days })))}</form>
      ${trouble(this.problem, this.load)}
      ${rows
        ? rows.length
          ? html`<ol class="rows ranked">${rows.map((one) => row(one, most))}</ol>`
          : empty('Nothing was asked in vain.', 'Every question of this time was answered from the article, or nobody asked.')
        : this.problem
          ? nothing
          : waiting('Counting')}`
  }
}

function row(one: UnansweredRow, most: number): TemplateResult {
  return html`<li><h2>${one.title}</h2>${bar(one.turns / most)}
    <p>${names.count(one.turns, 'time')} in ${names.count(one.conversations, 'conversation')}, last ${names.moment(one.last_at)}${one.not_helpful ? `; ${one.not_helpful} rated not helpful` : ''}. ${one.has_nearest
      ? 'The bot offers the nearest fact.'
      : 'The bot has nothing near to offer.'}</p>
    ${one.examples.length ? html`<p class="who">As people wrote it</p><ul>${one.examples.map((said) => html`<li dir="auto">“${said}”</li>`)}</ul>` : nothing}</li>`
}
