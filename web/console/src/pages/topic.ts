/** One answer: its wordings with their facts, where it is used, how hard it is to read. */
import { html, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from '../api'
import type { Topic } from '../types'
import * as names from '../names'
import { trouble, waiting } from '../parts'
import { link } from '../router'
import { View } from '../view'
import { article, grade } from './content'

const ROLES = {
  lead: 'First',
  more: 'If they ask for more',
  detail: 'When asked for exactly this',
  provider: 'The suggestion of a provider',
  focus: 'When asked for exactly this',
}

@customElement('milia-topic')
export class TopicView extends View {
  @property() topic = ''
  @state() private one?: Topic

  protected override firstUpdated(): void {
    void this.load()
  }

  private load = async (): Promise<void> => {
    this.one = await this.attempt('load', () => call('get', '/content/topics/{topic}', { at: { topic: this.topic } }))
  }

  protected override render(): TemplateResult {
    return html`<p class="go"><a href=${link(['content'])}>Content</a></p><h1>${this.one?.title ?? names.topic(this.topic)}</h1>
      ${this.one ? page(this.one) : this.problem ? trouble(this.problem, this.load) : waiting('Reading the answer')}`
  }
}

function page(one: Topic): TemplateResult {
  const facts = new Map(one.facts.map((fact) => [fact.id, fact]))
  const links = (ids: string[]) => (ids.length ? ids.map((id, at) => html`${at ? ', ' : ''}<a href=${link(['content', id])}>${names.topic(id)}</a>`) : 'none')
  return html`<dl class="totals">
      <div><dt>Asked in 30 days</dt><dd>${one.asked}</dd></div>
      <div><dt>To read</dt><dd>${grade(one.grade)}</dd></div>
      <div><dt>Facts</dt><dd>${one.facts.length}</dd></div>
    </dl>
    <p>Button: “${one.button}”. It offers: ${links(one.follow_ups)}. Offered after: ${links(one.linked_from)}.</p>
    <p class="go"><a href=${link(['conversations'], { topic: one.id })}>Conversations with this answer</a></p>
    <h2>What the bot says</h2>
    ${one.answers.map(
      (answer, at) => html`<details class="part" ?open=${at === 0 || one.answers.length < 4}>
        <summary><h3>${answer.when ? names.words(answer.when) : 'Anybody'}</h3> <span class="digest">${names.count(answer.sentences.length, 'sentence')}</span></summary>
        <ol class="sentences">${answer.sentences.map(
          (sentence) => html`<li class=${sentence.facts.length ? 'fact' : ''}>
            <p class="who">${ROLES[sentence.role]} · ${grade(sentence.grade)}${sentence.cues.length ? ` · when they say: ${sentence.cues.join(', ')}` : ''}</p>
            ${sentence.wordings.map((said, at) => html`<p dir="auto">${at ? html`<span class="small">or</span> ` : ''}${said}</p>`)}
            ${sentence.facts.map((id) => html`<p class="fact"><span class="code">${id}</span> ${facts.get(id)?.text ?? ''}</p>`)}
          </li>`,
        )}</ol></details>`,
    )}
    <h2>Facts of the article behind it</h2>
    ${one.facts.length
      ? html`<ul>${one.facts.map((fact) => html`<li><span class="code">${fact.id}</span> ${fact.text} <span class="small">${fact.status === 'I' ? 'Implied' : 'Stated'}, section ${fact.section}</span></li>`)}</ul>`
      : html`<p class="none">None: it states nothing.</p>`}
    ${article(one.article)}<p class="small">File: <span class="code">${one.file}</span></p>`
}
