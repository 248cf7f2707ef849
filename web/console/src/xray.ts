/** The X-ray of one turn: first why the bot said it, then what it rests on. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import type { FoundSign, Mark, Sentence, Turn } from './types'
import './mark-form'
import { CUES, marked } from './marked'
import * as names from './names'
import { bar, chips, level, type Part } from './parts'
import { link } from './router'
import { View } from './view'

const KINDS: { [kind: string]: string } = {
  fact: 'From the article',
  no_answer: 'Says that the article does not answer it',
  warning: 'From the warning signs',
  provider: 'Suggests to see a provider',
  check: 'From the guided check',
  joining: 'Leads over, states nothing',
  small_talk: 'Small talk',
  unknown: 'Not recorded for this older turn',
}
const BY: { [by: string]: string } = {
  rules: 'word rules',
  recogniser: 'the recogniser, from similar sentences',
  button: 'a pressed button',
  check: 'an answer in the guided check',
}

@customElement('milia-xray')
export class Xray extends View {
  @property({ attribute: false }) turn?: Turn
  /** Where the turn is, for what is said about it. */
  @property({ attribute: false }) of: { conversation?: string; try?: string } = {}
  /** Says that one wants back to the conversation. */
  @property({ attribute: false }) back?: () => void
  @property({ type: Boolean }) marking = false

  protected override willUpdate(changed: Map<string, unknown>): void {
    const before = changed.get('turn') as Turn | undefined
    if (before && before.id !== this.turn?.id) this.marking = false
  }

  protected override render(): Part {
    const { turn } = this
    if (!turn) return nothing
    return html`<article class="xray" aria-labelledby="why">
      <header class="why">
        <h2 id="why" tabindex="-1">Why the bot said this</h2>
        <p class="lead">${turn.why}</p>
        <p class="line">${level(turn.level.after)}${chips(turn.record.topics, names.topic)}
          ${turn.understood.confidence === null || turn.signs.present.length ? nothing : html`<span class="chip">${names.percent(turn.understood.confidence)} sure</span>`}
          ${turn.helpful === true ? html`<span class="chip good">Rated helpful</span>` : turn.helpful === false ? html`<span class="chip bad">Rated not helpful</span>` : nothing}
          ${(turn.reviews ?? []).map((one) => html`<a class="chip" href=${link(['reviews', one.id])}>Marked: ${one.state}</a>`)}</p>
        <p class="buttons">
          <button type="button" aria-expanded=${this.marking} @click=${() => (this.marking = !this.marking)}>Something is wrong here</button>
          ${this.back ? html`<button type="button" class="quiet back" @click=${this.back}>Back to the conversation</button>` : nothing}
        </p>
        ${this.marking ? html`<milia-mark-form .turn=${turn} .of=${this.of} .done=${() => (this.marking = false)}></milia-mark-form>` : nothing}
      </header>
      ${turn.complete ? nothing : html`<p class="hint">This turn is from a stored conversation. Scores and times are only kept for a while, or not at all, so some parts may be empty.</p>`}
      ${part('The reply, sentence by sentence', sentencesDigest(turn), sentences(turn), true)}
      ${part('The message, as the bot read it', understoodDigest(turn), understood(turn), true)}
      ${part('Warning signs', signsDigest(turn), signs(turn), true)}
      ${part('How urgent, and why', levelDigest(turn), urgency(turn), true)}
      ${part('What the bot remembers of the person', slotsDigest(turn), slots(turn))}
      ${part('Who decided', turn.actions.map((one) => names.words(one.policy ?? one.action)).join(', ') || 'Not recorded', decisions(turn))}
      ${part('How long it took', turn.total_ms === null ? 'Not recorded' : names.milliseconds(turn.total_ms), times(turn))}
    </article>`
  }
}

function part(title: string, digest: string, body: unknown, open = false): TemplateResult {
  return html`<details class="part" ?open=${open}>
    <summary><h3>${title}</h3> <span class="digest">${digest}</span></summary>
    <div>${body}</div>
  </details>`
}

function sentencesDigest({ replies }: Turn): string {
  const all = replies.flatMap((one) => one.sentences)
  const facts = new Set(all.flatMap((one) => one.facts.map(({ id }) => id))).size
  return facts ? `${names.count(all.length, 'sentence')}, ${names.count(facts, 'fact')} of the article` : names.count(all.length, 'sentence')
}

function sentences({ replies }: Turn): TemplateResult {
  if (!replies.some((one) => one.sentences.length)) return html`<p class="none">The bot said nothing in this turn.</p>`
  return html`${replies.map((reply) => html`<ol class="sentences">${reply.sentences.map(sentence)}</ol>`)}`
}

function sentence(one: Sentence): TemplateResult {
  return html`<li class=${one.kind}>
    <p dir="auto">${one.text}</p>
    <p class="small"><strong>${KINDS[one.kind] ?? names.words(one.kind)}</strong>${one.topic
      ? html` · <a href=${names.isTopic(one.topic) ? link(['content', one.topic]) : nothing}>${names.topic(one.topic)}</a>`
      : nothing}${one.place ? html` · <span class="code">${one.place}</span>` : nothing}</p>
    ${one.facts.map(
      (fact) => html`<p class="fact"><span class="code">${fact.id}</span> ${fact.text}
        <span class="small">${fact.status === 'I' ? 'Implied by the article' : 'Stated by the article'}, section ${fact.section}</span></p>`,
    )}
  </li>`
}

function understoodDigest({ understood: read, signs: { present }, user }: Turn): string {
  if (read.labels.length) return read.labels.map(names.topic).join(', ')
  return present.length ? 'Only the warning sign counted' : user.pressed ? 'A pressed button' : 'Not understood'
}

function understood(turn: Turn): TemplateResult {
  const { understood: read, user } = turn
  const { scores } = read
  const top = scores.slice(0, 6)
  return html`${user.pressed ? html`<p>The person pressed the button “${user.text}”, so nothing had to be read.</p>` : marked(turn)}
    ${read.corrected ? html`<p class="small">Read with spelling put right as: “${read.corrected}”</p>` : nothing}
    ${read.entities.length
      ? html`<p>Picked up: ${read.entities.map((one) => html`<span class="chip">${names.words(one.entity)}: ${one.value} (“${one.text}”)</span> `)}</p>`
      : nothing}
    ${top.length
      ? html`<h4>What it could be about, and how sure the bot was</h4>
          <ul class="bars">${top.map(
            (one) => html`<li class=${one.chosen ? 'chosen' : ''}><span>${one.title}${one.chosen ? html` <strong>(taken)</strong>` : nothing}</span>
              ${bar(one.score)}<span class="figure">${names.percent(one.score)}</span></li>`,
          )}</ul>`
      : nothing}
    ${read.theme
      ? html`<p>Nearest question that the article does not answer: “${read.theme.title}” (${names.percent(read.theme.similarity)} alike).</p>`
      : nothing}
    <p class="small">Kind of message: ${read.intent.name ? names.words(read.intent.name) : 'unknown'}${read.intent.confidence === null
      ? nothing
      : html` (${names.percent(read.intent.confidence)} sure)`}${read.rivals.length ? html`. Close rivals: ${read.rivals.map(names.topic).join(', ')}` : nothing}${read.language
      ? html`. Language: ${read.language}`
      : nothing}.</p>`
}

function signsDigest({ signs: { present, supposed, marks } }: Turn): string {
  if (present.length) return present.map(({ title }) => title).join(', ')
  if (supposed.length) return `None; asked about: ${supposed.map(({ title }) => title).join(', ')}`
  return marks.some((one) => one.status === 'ruled_out') ? 'None; something was ruled out' : 'None'
}

function signs({ signs: { present, supposed, marks } }: Turn): TemplateResult {
  const out = marks.filter((one) => one.status === 'ruled_out')
  if (!present.length && !supposed.length && !out.length) return html`<p class="none">Nothing in this message points to a warning sign.</p>`
  return html`${present.map((one) => sign(one))}${supposed.map((one) => sign(one, true))}
    ${out.length ? html`<h4>Ruled out</h4><ul>${out.map(ruledOut)}</ul>` : nothing}`
}

function sign(one: FoundSign, supposed = false): TemplateResult {
  return html`<div class="sign">
    <p><strong>${one.title}</strong> ${level(one.level)}${supposed ? html` <span class="chip">Only asked about</span>` : nothing}</p>
    <p>${one.because}</p>
    <p class="small">${one.words.length ? html`Triggered by ${one.words.map((span) => html`<mark class="present">${span.text}</mark> `)}· ` : nothing}Found by ${BY[one.by] ?? one.by}${one.confidence === null || one.confidence === undefined
      ? nothing
      : html`, ${names.percent(one.confidence)} sure`}. <span class="code">${one.id}</span></p>
  </div>`
}

function ruledOut(one: Mark): TemplateResult {
  return html`<li><mark class="ruled_out">${one.text}</mark> would point to “${one.title}”, but does not count${one.cues.length
    ? html`: ${one.cues.map((cue) => html`<mark class="cue">${cue.text}</mark> ${CUES[cue.kind] ?? cue.kind} `)}`
    : nothing}.</li>`
}

function levelDigest({ level: { before, after } }: Turn): string {
  if (!after) return 'No level'
  return before && before !== after ? `${names.level(before)} → ${names.level(after)}` : names.level(after)
}

function urgency({ level: { before, after, why } }: Turn): TemplateResult {
  return html`<p>Before this message: ${before ? level(before) : 'no level yet'}. After it: ${after ? level(after) : 'no level'}.</p>
    ${why.length ? html`<ul>${why.map((one) => html`<li>${one}</li>`)}</ul>` : html`<p class="none">No reason was recorded.</p>`}`
}

function slotsDigest({ slots: all }: Turn): string {
  const changed = all.filter((one) => one.changed)
  return changed.length ? `Changed: ${changed.map((one) => names.words(one.name)).join(', ')}` : 'Nothing changed'
}

function slots({ slots: all }: Turn): TemplateResult {
  if (!all.length) return html`<p class="none">Nothing is remembered.</p>`
  const sorted = [...all].sort((one, other) => Number(other.changed) - Number(one.changed))
  return html`<div class="scroll" tabindex="0" role="region" aria-label="What the bot remembers">
    <table>
      <thead><tr><th scope="col">What</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
      <tbody>${sorted.map(
        (one) => html`<tr class=${one.changed ? 'changed' : ''}><th scope="row">${names.words(one.name)}${one.changed ? html` <span class="small">changed</span>` : nothing}</th>
          <td>${names.value(one.before)}</td><td>${names.value(one.after)}</td></tr>`,
      )}</tbody>
    </table></div>`
}

function decisions({ actions }: Turn): TemplateResult {
  if (!actions.length) return html`<p class="none">Not recorded.</p>`
  return html`<ol>${actions.map(
    (one) => html`<li><p>${one.why}</p>
      <p class="small">Action <span class="code">${one.action}</span>${one.policy ? html`, chosen by <span class="code">${one.policy}</span>` : nothing}${one.rule
        ? html`, rule “${one.rule}”`
        : nothing}${one.confidence === null ? nothing : html`, ${names.percent(one.confidence)} sure`}</p></li>`,
  )}</ol>`
}

function times({ steps, total_ms: total }: Turn): TemplateResult {
  if (!steps.length) return html`<p class="none">Times were not kept for this turn.</p>`
  const longest = Math.max(...steps.map(({ ms }) => ms), 0.001)
  return html`<ul class="bars">${steps.map(
      (one) => html`<li><span>${names.words(one.name)}</span>${bar(one.ms / longest, one.kind)}<span class="figure">${names.milliseconds(one.ms)}</span></li>`,
    )}</ul>
    ${total === null ? nothing : html`<p class="small">All together: ${names.milliseconds(total)}.</p>`}`
}
