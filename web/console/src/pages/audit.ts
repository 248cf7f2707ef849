/** Who did what, for admins. */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { call } from '../api'
import type { AuditRow } from '../types'
import * as names from '../names'
import { empty, table, trouble, waiting } from '../parts'
import { go, link } from '../router'
import { View } from '../view'

@customElement('milia-audit')
export class Audit extends View {
  @property({ attribute: false }) query = new URLSearchParams()
  @state() private rows?: AuditRow[]
  @state() private next: string | null = null

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('query')) void this.load()
  }

  private load = async (): Promise<void> => {
    this.rows = undefined
    this.next = null
    await this.more()
  }

  private more = async (): Promise<void> => {
    const asked = (name: string) => this.query.get(name) ?? undefined
    const page = await this.attempt('load', () => call('get', '/audit', { query: { user: asked('user'), what: asked('what'), cursor: this.next ?? undefined } }))
    if (!page) return
    this.rows = [...(this.rows ?? []), ...page.rows]
    this.next = page.next
  }

  protected override render(): TemplateResult {
    const active = [...this.query.keys()].length > 0
    return html`<h1>Audit</h1><p class="hint">Who did what in this console, latest first. What patients wrote is not in it.</p>
      <form class="filters grid" role="search" aria-label="Find in the audit" @submit=${this.search}>
        <label class="field"><span>Person</span><input name="user" type="search" .value=${this.query.get('user') ?? ''}></label>
        <label class="field"><span>What was done, like login or review.accept</span><input name="what" type="search" .value=${this.query.get('what') ?? ''}></label>
        <p class="buttons"><button>Find</button></p></form>
      ${trouble(this.problem, this.rows ? this.more : this.load)}
      ${this.rows
        ? this.rows.length
          ? table('What was done', ['When', 'Who', 'What', 'Details', 'From'], this.rows.map((one) => [names.moment(one.at), one.user, one.what, one.detail, one.address]), true)
          : empty('Nothing found.', active ? 'Take out a filter.' : 'Nobody has done anything yet.', active ? html`<a class="button" href=${link(['audit'])}>Show all</a>` : nothing)
        : this.problem
          ? nothing
          : waiting('Reading')}
      ${this.next ? html`<p><button type="button" ?disabled=${this.busy !== ''} @click=${this.more}>Show more</button></p>` : nothing}`
  }

  private search = (event: Event): void => {
    event.preventDefault()
    const given = new FormData(event.target as HTMLFormElement)
    go(link(['audit'], { user: String(given.get('user')).trim(), what: String(given.get('what')).trim() }))
  }
}
