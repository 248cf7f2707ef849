/** Who may use the console; for admins. */
import { html, nothing, type TemplateResult } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { call, login } from '../api'
import type { User } from '../types'
import * as names from '../names'
import { choice, trouble, waiting } from '../parts'
import { SHORTEST } from '../password-form'
import { say, View } from '../view'

const ROLES: { id: User['role']; title: string }[] = [
  { id: 'viewer', title: 'Viewer: looks, tries, marks what is wrong' },
  { id: 'editor', title: 'Editor: also decides reviews and runs tests' },
  { id: 'admin', title: 'Admin: also looks after staff and reads the audit' },
]

@customElement('milia-people')
export class People extends View {
  @state() private users?: User[]
  @state() private newRole: User['role'] = 'viewer'
  @state() private removing?: User

  protected override firstUpdated(): void {
    void this.load()
  }

  private load = async (): Promise<void> => {
    this.users = (await this.attempt('load', () => call('get', '/users')))?.users ?? this.users
  }

  protected override updated(): void {
    const dialog = this.querySelector('dialog')
    if (dialog && !dialog.open) dialog.showModal()
  }

  protected override render(): TemplateResult {
    return html`<h1>Staff</h1>${trouble(this.problem, this.users ? undefined : this.load)}
      ${this.users ? html`<ul class="rows">${this.users.map((one) => this.row(one))}</ul>${this.form()}` : this.problem ? nothing : waiting('Reading')}
      ${this.removing
        ? html`<dialog aria-labelledby="sure" @close=${() => (this.removing = undefined)}><h2 id="sure">Remove ${this.removing.name}?</h2>
            <p>They are logged out at once and can not log in any more. What they did stays in the audit. To take it back, add them again with a new password.</p>
            <p class="buttons"><button type="button" @click=${() => (this.removing = undefined)}>Keep ${this.removing.name}</button>
              <button type="button" class="danger" @click=${this.removed}>Remove</button></p></dialog>`
        : nothing}`
  }

  private row(one: User): TemplateResult {
    const own = one.name === login.session?.user.name
    return html`<li><h2>${one.name}${own ? ' (you)' : ''}</h2>
      <p class="small">${one.last_seen_at ? `Last seen ${names.moment(one.last_seen_at)}` : 'Never logged in'}${one.locked_until ? html` · <span class="bad-text">locked until ${names.moment(one.locked_until)} after wrong passwords</span>` : nothing}</p>
      <div class="line">${choice(`Role of ${one.name}`, '', ROLES, one.role, (role) => this.change(one, { role: role as User['role'] }, one.role))}
        ${one.locked_until ? html`<button type="button" @click=${() => this.change(one, { unlock: true })}>Unlock</button>` : nothing}
        ${own ? nothing : html`<button type="button" class="quiet" @click=${() => (this.removing = one)}>Remove ${one.name} …</button>`}</div></li>`
  }

  private form(): TemplateResult {
    return html`<section class="card" aria-labelledby="add"><h2 id="add">Add somebody</h2>
      <form aria-labelledby="add" @submit=${this.add}>
        <label class="field"><span>Name (small letters, figures, . _ @ -)</span><input name="name" required pattern="[a-z0-9][a-z0-9._@\\-]{0,63}" autocomplete="off" autocapitalize="none" spellcheck="false"></label>
        ${choice('Role', '', ROLES, this.newRole, (role) => (this.newRole = role as User['role']))}
        <label class="field"><span>First password (${SHORTEST} characters or more; they should change it)</span><input name="password" type="password" autocomplete="new-password" minlength=${SHORTEST} required></label>
        <p class="buttons"><button class="main" ?disabled=${this.busy !== ''}>Add</button></p></form></section>`
  }

  private add = async (event: Event): Promise<void> => {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const given = new FormData(form)
    const body = { name: String(given.get('name')), password: String(given.get('password')), role: this.newRole }
    const user = await this.attempt('add', () => call('post', '/users', { body }))
    if (!user) return
    form.reset()
    say(`${user.name} is added.`)
    await this.load()
  }

  private async change(one: User, body: { role?: User['role']; unlock?: boolean }, before?: User['role']): Promise<void> {
    const user = await this.attempt('change', () => call('patch', '/users/{name}', { at: { name: one.name }, body }))
    const problem = this.problem
    await this.load()
    this.problem = problem
    if (user) say(body.unlock ? `${one.name} can log in again.` : `${one.name} is ${body.role} now.`, before ? () => void this.change(user, { role: before }) : undefined)
  }

  private removed = async (): Promise<void> => {
    const { name } = this.removing!
    this.removing = undefined
    await this.attempt('remove', () => call('delete', '/users/{name}', { at: { name } }))
    if (this.problem) return
    say(`${name} is removed.`)
    await this.load()
  }
}
