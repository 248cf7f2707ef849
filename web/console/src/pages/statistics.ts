/** Figures of a time: how much, what about, how well answered. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from '../api'
import { bars, columns } from '../chart'
import type { Statistics as Figures } from '../types'
import * as names from '../names'
import { choice, empty, trouble, waiting } from '../parts'
import { go, link } from '../router'
import { View } from '../view'

type Day = Figures['days'][number]
type Counted = 'conversations' | 'turns' | 'answered' | 'no_answer' | 'out_of_scope' | 'fallback' | 'helpful' | 'not_helpful'

const PERIODS = [7, 30, 90, 365]
const OUTCOMES: [Counted, string, string][] = [
  ['answered', 'Answered', 'series-a'],
  ['no_answer', 'Not in the article', 'series-b'],
  ['out_of_scope', 'About something else', 'series-c'],
  ['fallback', 'Not understood', 'series-d'],
]

@customElement('milia-statistics')
export class StatisticsView extends View {
  @property({ attribute: false }) query = new URLSearchParams()
  @state() private figures?: Figures
  private asked = new AbortController()

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('query')) void this.load()
  }

  private get days(): number {
    const days = Number(this.query.get('days'))
    return PERIODS.includes(days) ? days : 30
  }

  private load = async (): Promise<void> => {
    this.asked.abort()
    this.asked = new AbortController()
    const { signal } = this.asked
    const from = new Date(Date.now() - this.days * 86_400_000).toISOString()
    const channel = this.query.get('channel') ?? undefined
    const figures = await this.attempt('load', () => call('get', '/statistics', { query: { from, channel }, signal }))
    if (figures) this.figures = figures
  }

  protected override render(): TemplateResult {
    const channel = this.query.get('channel') ?? ''
    const set = (part: { days?: string; channel?: string }) => go(link(['statistics'], { days: this.days, channel, ...part }))
    return html`<h1>Statistics</h1>
      <form class="filters grid" aria-label="What to count" @submit=${(event: Event) => event.preventDefault()}>
        ${choice('Time', '', PERIODS.map((days) => ({ id: String(days), title: days === 365 ? 'The last year' : `The last ${days} days` })), String(this.days), (days) => set({ days }))}
        ${choice('Came by', 'Any way', names.about().channels.map((id) => ({ id, title: names.words(id) })), channel, (id) => set({ channel: id }))}
      </form>
      ${trouble(this.problem, this.load)}
      <div role="region" aria-label="Figures" aria-busy=${this.busy !== ''}>
        ${this.figures ? (this.figures.totals.turns ? pictures(this.figures) : this.nothing()) : this.problem ? nothing : waiting('Counting')}
      </div>`
  }

  private nothing(): TemplateResult {
    return empty('Nobody wrote to the bot in this time.', 'Choose a longer time, or come back when there are conversations.', html`<a class="button" href=${link(['try'])}>Try it yourself</a>`)
  }
}

function pictures(all: Figures): TemplateResult {
  const { totals } = all
  const share = (part: number) => (totals.turns ? names.percent(part / totals.turns) : '0%')
  const rated = totals.helpful + totals.not_helpful
  const warned = names.LEVELS.reduce((sum, id) => sum + (id === 'provider_routine' ? 0 : (totals.warnings[id] ?? 0)), 0)
  const days = byDay(all)
  const labels = days.map((one) => names.day(one.day))
  const busiest = days.reduce((most, one) => (one.turns > most.turns ? one : most), days[0]!)
  const urgent = names.LEVELS.filter((id) => id !== 'provider_routine')
  const kinds = ['series-c', 'series-b', 'series-d']
  return html`<dl class="totals">
      <div><dt>Conversations</dt><dd>${totals.conversations.toLocaleString('en')}</dd></div>
      <div><dt>Messages</dt><dd>${totals.turns.toLocaleString('en')}</dd></div>
      <div><dt>Answered</dt><dd>${share(totals.answered)}</dd></div>
      <div><dt>Not understood</dt><dd>${share(totals.fallback)}</dd></div>
      <div><dt>The bot was unsure</dt><dd>${share(totals.low_confidence)}</dd></div>
      <div><dt>Messages with a warning</dt><dd>${warned.toLocaleString('en')}</dd></div>
      <div><dt>Rated helpful</dt><dd>${rated ? `${names.percent(totals.helpful / rated)} of ${rated}` : 'no ratings'}</dd></div>
    </dl>
    <div class="pictures">${columns(
      'Messages each day',
      labels,
      OUTCOMES.map(([key, title, kind]) => ({ title, kind, values: days.map((one) => one[key]) })),
      `${totals.turns.toLocaleString('en')} messages; most on ${names.day(busiest.day)} (${busiest.turns.toLocaleString('en')}). ${share(totals.answered)} were answered from the article.`,
    )}
    ${columns(
      'Warnings each day',
      labels,
      urgent.map((id, at) => ({ title: names.level(id), kind: kinds[at]!, values: days.map((one) => one.warnings[id] ?? 0) })),
      urgent.map((id) => `${names.level(id)}: ${totals.warnings[id] ?? 0}`).join('. ') + '.',
    )}
    </div>
    <div class="halves">
      ${bars(
        'What people ask about',
        all.topics.map((one) => ({ title: html`<a href=${link(['conversations'], { topic: one.id })}>${one.title}</a>`, value: one.turns, figure: ofTopic(one) })),
      )}
      ${bars(
        'Warning signs',
        all.signs.map((one) => ({ title: html`<a href=${link(['conversations'], { sign: one.id })}>${one.title}</a>`, value: one.turns, figure: one.turns, kind: 'urgent' })),
        nothing,
        'No warning signs in this time.',
      )}
      ${bars(
        'Ratings',
        rated
          ? [
              { title: 'Helpful', value: totals.helpful, figure: totals.helpful },
              { title: html`<a href=${link(['conversations'], { not_helpful: 'true' })}>Not helpful</a>`, value: totals.not_helpful, figure: totals.not_helpful, kind: 'urgent' },
            ]
          : [],
        nothing,
        'Nobody rated a reply in this time.',
      )}
      ${bars(
        'Time until the reply',
        all.response_ms.map((one) => ({
          title: names.words(one.channel),
          value: one.p95 ?? 0,
          figure: one.p50 === null || one.p95 === null ? 'not measured' : `half within ${names.milliseconds(one.p50)}, 95% within ${names.milliseconds(one.p95)}`,
        })),
        'The bar shows the time within which 95 of 100 replies came.',
      )}
      ${bars('How people came', byChannel(all).map((one) => ({ title: names.words(one.channel), value: one.turns, figure: `${one.turns} messages, ${one.conversations} conversations` })))}
    </div>`
}

function ofTopic({ turns, helpful, not_helpful: bad }: Figures['topics'][number]): string {
  return helpful || bad ? `${turns} (${helpful} helpful, ${bad} not)` : String(turns)
}

/** One entry a day, also for days without a message, all channels together. */
function byDay({ days, from, to }: Figures): Day[] {
  const all = new Map<string, Day>()
  const last = to.slice(0, 10)
  for (let time = Date.parse(`${from.slice(0, 10)}T12:00:00Z`); all.size < 366; time += 86_400_000) {
    const day = new Date(time).toISOString().slice(0, 10)
    if (day > last) break
    all.set(day, { day, channel: '', conversations: 0, turns: 0, answered: 0, no_answer: 0, out_of_scope: 0, fallback: 0, helpful: 0, not_helpful: 0, warnings: {} })
  }
  for (const one of days) {
    const sum = all.get(one.day)
    if (!sum) continue
    for (const key of ['conversations', 'turns', 'answered', 'no_answer', 'out_of_scope', 'fallback', 'helpful', 'not_helpful'] as Counted[]) sum[key] += one[key]
    for (const [id, number] of Object.entries(one.warnings)) sum.warnings[id] = (sum.warnings[id] ?? 0) + number
  }
  return [...all.values()]
}

function byChannel({ days }: Figures): { channel: string; turns: number; conversations: number }[] {
  const all = new Map<string, { channel: string; turns: number; conversations: number }>()
  for (const { channel, turns, conversations } of days) {
    const sum = all.get(channel) ?? { channel, turns: 0, conversations: 0 }
    all.set(channel, { channel, turns: sum.turns + turns, conversations: sum.conversations + conversations })
  }
  return [...all.values()].sort((one, other) => other.turns - one.turns)
}
