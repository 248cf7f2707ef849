/** The login: a page at first, a dialog over the view when a login has ended. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { call, login } from './api'
import type { Session } from './types'
import { trouble } from './parts'
import { View } from './view'

@customElement('milia-login')
export class LoginForm extends View {
  /** The name of the one whose login has ended. */
  @property() known = ''
  @property({ attribute: false }) done: (session: Session) => void = () => undefined

  protected override render(): TemplateResult {
    return html`<form class="login" aria-label="Log in" @submit=${this.submit}>
      <label class="field"><span>Name</span>
        <input name="name" autocomplete="username" required maxlength="64" autocapitalize="none" spellcheck="false" .value=${this.known}></label>
      <label class="field"><span>Password</span>
        <input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
      ${trouble(this.problem)}
      <p class="buttons"><button class="main" ?disabled=${this.busy !== ''}>${this.busy ? 'Logging in …' : 'Log in'}</button></p>
      ${this.known ? nothing : html`<p class="small">No name yet? An admin of this bot can add you under “Staff”, or with <span class="code">milia staff add</span>.</p>`}
    </form>`
  }

  protected override firstUpdated(): void {
    this.querySelector<HTMLInputElement>(this.known ? '[name=password]' : '[name=name]')?.focus()
  }

  private submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    const given = new FormData(event.target as HTMLFormElement)
    const body = { name: String(given.get('name')).trim(), password: String(given.get('password')) }
    const session = await this.attempt('login', () => call('post', '/login', { body }))
    if (session) {
      login.session = session
      this.done(session)
    } else await this.focusOn('[name=password]')
  }
}
