/** Every answer, with how hard it is to read and how often it was asked for. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { call, text } from '../api'
import type { Source, TopicRow } from '../types'
import { empty, table, trouble, waiting } from '../parts'
import { link } from '../router'
import { save, View } from '../view'

/** The two halves of the content. */
export function tabs(current: 'answers' | 'unanswered'): TemplateResult {
  const tab = (id: string, address: string, title: string) => html`<li><a href=${address} aria-current=${id === current ? 'page' : nothing}>${title}</a></li>`
  return html`<nav class="tabs" aria-label="Content"><ul>${tab('answers', link(['content']), 'Answers')}${tab('unanswered', link(['content', 'unanswered']), 'Asked, but not in the article')}</ul></nav>`
}

export function article(source: Source): TemplateResult {
  return html`<p class="small">All from one article: “${source.title}”, ${source.publisher}${source.reviewer ? `, reviewed by ${source.reviewer}` : ''}${source.updated ? `, last updated ${source.updated}` : ''}.</p>`
}

/** A school grade in words: health texts for everybody aim at grade 6 to 8. */
export function grade(number: number): TemplateResult {
  const said = number <= 6 ? 'easy' : number <= 8 ? 'plain' : 'hard'
  return html`<span class=${said === 'hard' ? 'bad-text' : ''}>${said} (grade ${number.toFixed(1)})</span>`
}

@customElement('milia-content')
export class Content extends View {
  @state() private all?: { topics: TopicRow[]; article: Source; version: string; faults: string[] }

  protected override firstUpdated(): void {
    void this.load()
  }

  private load = async (): Promise<void> => {
    this.all = await this.attempt('load', () => call('get', '/content/topics'))
  }

  protected override render(): TemplateResult {
    return html`<h1>Content</h1>${tabs('answers')}
      ${trouble(this.problem, this.all ? undefined : this.load)}
      ${this.all ? this.page(this.all) : this.problem ? nothing : waiting('Reading the answers')}`
  }

  private page({ topics, article: source, faults }: NonNullable<Content['all']>): TemplateResult {
    if (!topics.length) return empty('There are no answers.', 'The bot’s content folder is empty. Tell whoever looks after the bot.')
    return html`${faults.length ? html`<div class="trouble"><p>The content is not in order:</p><ul>${faults.map((one) => html`<li>${one}</li>`)}</ul></div>` : nothing}
      ${table(
        'Every answer of the bot',
        ['Answer', 'Asked in 30 days', 'Not helpful', 'To read', 'Facts', 'Wordings'],
        topics.map((one) => [html`<a href=${link(['content', one.id])}>${one.title}</a>`, one.asked, one.not_helpful, grade(one.grade), one.facts, one.wordings]),
        true,
      )}
      ${article(source)}
      <p class="buttons"><button type="button" ?disabled=${this.busy !== ''} @click=${this.book}>Download all that the bot says, on one page</button></p>`
  }

  private book = async (): Promise<void> => {
    const book = await this.attempt('book', () => text('/content/book', {}))
    if (book) save('milia-content-book.html', book, 'text/html')
  }
}
