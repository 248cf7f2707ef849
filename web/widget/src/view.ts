/** What is seen of the chat. */
import { html, nothing, type TemplateResult } from 'lit-html'
import type { MiliaChat } from './chat'
import type { Turn } from './conversation'
import * as icons from './icons'
import { reply } from './reply'
import { fill } from './texts'
import { print, save } from './transcript'

type Part = TemplateResult | typeof nothing

export function view(chat: MiliaChat): TemplateResult {
  const { name, isOpen, unread, texts } = chat
  const body = html`${header(chat)}${log(chat)}${status(chat)}${end(chat)}${form(chat)}`
  const cancel = (event: Event) => {
    event.preventDefault()
    chat.close()
  }
  return html`${chat.inline
    ? html`<section class="panel inline" aria-label=${name} @keydown=${chat.key}>${body}</section>`
    : html`<section aria-label=${name}>
        <button type="button" class="launcher ${unread ? 'unread' : ''}" aria-haspopup="dialog" aria-expanded=${isOpen} ?hidden=${isOpen} @click=${chat.open}>
          ${icons.chat}<span>${chat.getAttribute('launcher') || texts.launcher}${unread ? html`<span class="sr"> (${texts.newReply})</span>` : nothing}</span>
        </button></section>
      <dialog class="panel" aria-labelledby="name" @keydown=${chat.key} @cancel=${cancel}>${body}</dialog>`}
    ${question(chat)}`
}

function header(chat: MiliaChat): TemplateResult {
  const { texts: t, menuOpen } = chat
  const item = (label: string, action: () => void, kind = '') => {
    const choose = () => {
      chat.toggleMenu(false, true)
      action()
    }
    return html`<li><button type="button" class=${kind} @click=${choose}>${label}</button></li>`
  }
  const keep = () => {
    save(chat.transcript, t.file)
    chat.say(t.saved)
  }
  const left = ({ relatedTarget }: FocusEvent) => {
    if (relatedTarget && !(relatedTarget as Element).closest('.menu, .more')) chat.toggleMenu(false)
  }
  return html`<div class="head">
      <div><p class="name" id="name" tabindex="-1">${chat.name}</p><p class="role">${t.role}</p></div>
      <button type="button" class="more" aria-label=${t.menu} aria-expanded=${menuOpen} aria-controls="menu" @click=${() => chat.toggleMenu()}>${icons.more}</button>
      ${chat.inline ? nothing : html`<button type="button" aria-label=${t.close} @click=${chat.close}>${icons.close}</button>`}
    </div>
    <div class="menu" id="menu" @focusout=${left}>${menuOpen
      ? html`<ul>
          ${chat.talk.turns.length
            ? [
                item(t.copy, () => chat.copy()),
                item(t.print, () => print(chat.transcript, chat.root)),
                item(t.save, keep),
              ]
            : nothing}
          ${item(t.startOver, () => chat.confirm('startOver'))}${item(t.erase, () => chat.confirm('erase'), 'danger')}
        </ul>`
      : nothing}</div>`
}

function log(chat: MiliaChat): TemplateResult {
  const { texts: t, talk } = chat
  const { turns, buttons } = talk
  const rule = html`<p class="small rule">${t.past}</p>`
  return html`<div class="log" role="log" tabindex="0" aria-label=${t.log} aria-live=${chat.restored ? 'polite' : 'off'}
      @scroll=${chat.scrolled} @click=${() => chat.menuOpen && chat.toggleMenu(false)}>
    ${talk.receipt ? nothing : introduction(chat)}
    ${talk.earlier ? html`<p class="small rule">${t.earlier}</p>` : nothing}
    ${turns.map((one, index) => html`${turns[index - 1]?.past && !one.past ? rule : nothing}${turn(chat, one, index)}`)}
    ${turns.at(-1)?.past ? rule : nothing}
    ${chat.slow && !talk.trouble ? html`<div class="dots" aria-hidden="true"><i></i><i></i><i></i></div>` : nothing}
    ${quick(t.replies, buttons.map(({ title, payload }) => [title, () => chat.press(title, payload)]))}
  </div>`
}

function quick(label: string, buttons: [string, () => void][]): Part {
  if (!buttons.length) return nothing
  return html`<div class="quick fresh" role="group" aria-label=${label}>${buttons.map(
    ([title, press]) => html`<button type="button" dir="auto" @click=${press}>${title}</button>`,
  )}</div>`
}

/** What this is, before the first message. */
function introduction(chat: MiliaChat): TemplateResult {
  const { texts: t, talk } = chat
  const { greeting, notice } = talk.introduction ?? {}
  const policy = chat.getAttribute('privacy')
  const suggestions = talk.phase === 'open' && !talk.turns.length ? greeting!.suggestions : []
  return html`<div class="notice">
      <p class="title">${icons.notice}${t.noticeTitle}</p>
      ${(notice?.text ?? [t.notice]).map((line) => html`<p dir="auto">${line}</p>`)}
      ${policy ? html`<p><a href=${policy} target="_blank" rel="noopener">${t.privacy}</a></p>` : nothing}
    </div>
    ${greeting ? html`<div class="turn"><span class="sr">${chat.name}:</span><div class="bubble"><p dir="auto">${greeting.text}</p></div></div>` : nothing}
    ${quick(t.suggestions, suggestions.map(({ title, text }) => [title, () => chat.press(text)]))}`
}

function turn(chat: MiliaChat, one: Turn, index: number): TemplateResult {
  const { texts: t, talk } = chat
  const fresh = chat.restored && index === talk.turns.length - 1 ? 'fresh' : ''
  const stuck = one.waiting && (talk.trouble || talk.phase === 'blocked')
  return html`<div class="turn me ${fresh}" tabindex="-1" aria-live="off"><span class="sr">${t.you}:</span>
      <div class="bubble"><p dir="auto">${one.text}</p></div>
      ${stuck ? html`<p class="small">${t.unsent}</p>` : nothing}
    </div>
    ${one.replies.map((said) =>
      reply(said, chat.name, t, fresh, one.helpful, one.past ? undefined : (helpful) => chat.rate(one, helpful)),
    )}`
}

/** Said by a screen reader as it changes; seen where somebody should know or do something. */
function status(chat: MiliaChat): TemplateResult {
  const { texts: t, talk, note } = chat
  const { trouble, problem, introduction } = talk
  const why = talk.phase === 'blocked' ? problem || t.blocked : trouble === 'busy' ? problem || t.busy : trouble && t[trouble]
  const emergency = why && !problem ? introduction?.notice.emergency || t.hint : ''
  return html`<div class="status" role="status">
      ${why ? html`<p>${why} ${emergency}</p>` : nothing}${note ? html`<p>${note}</p>` : nothing}
      ${chat.slow && !trouble ? html`<span class="sr">${t.writing}</span>` : nothing}
    </div>
    ${trouble ? html`<div class="again"><button type="button" class="plain" @click=${() => talk.retry()}>${t.tryNow}</button></div>` : nothing}`
}

/** The receipt of a deletion, and the way to a new conversation. */
function end(chat: MiliaChat): Part {
  const { texts: t, talk } = chat
  const { receipt } = talk
  if (talk.phase !== 'ended') return nothing
  const date = new Intl.DateTimeFormat(chat.lang, { dateStyle: 'medium', timeStyle: 'short' })
  return html`<div class="end">
    ${receipt ? html`<p class="title" tabindex="-1">${t.erasedTitle}</p>` : nothing}
    ${receipt === 'elsewhere'
      ? html`<p>${t.erasedElsewhere}</p>`
      : receipt
        ? html`<p>${receipt.detail || t.erased}</p>
          <p class="small">${fill(t.erasedAt, { time: date.format(new Date(receipt.deleted_at)) })}<br>${receipt.conversation ? fill(t.reference, receipt) : nothing}</p>`
        : nothing}
    <button type="button" class="filled" @click=${chat.renew}>${t.renew}</button>
  </div>`
}

function form(chat: MiliaChat): TemplateResult {
  const { texts: t, error } = chat
  return html`<form ?hidden=${chat.talk.phase === 'ended'} @submit=${chat.submit}>
    ${error ? html`<p class="error" id="error" role="alert">${error}</p>` : nothing}
    <div class="box">
      <textarea rows="1" aria-label=${t.label} placeholder=${t.placeholder} dir="auto" enterkeyhint="send" autocomplete="off"
        aria-invalid=${error ? 'true' : nothing} aria-describedby=${error ? 'error' : nothing} @keydown=${chat.type} @input=${chat.input}></textarea>
      <button class="send" aria-label=${t.send} @pointerdown=${(event: Event) => event.preventDefault()}>${icons.send}</button>
    </div>
    <p class="small hint">${t.hint}</p>
  </form>`
}

function question(chat: MiliaChat): Part {
  const { texts: t, ask } = chat
  if (!ask) return nothing
  const erase = ask === 'erase'
  const cancel = (event: Event) => {
    event.preventDefault()
    chat.answer(false)
  }
  return html`<dialog class="ask" role="alertdialog" aria-labelledby="ask" aria-describedby="why" @cancel=${cancel}>
    <p class="title" id="ask">${erase ? t.eraseTitle : t.startOverTitle}</p>
    <p id="why">${erase ? t.eraseText : t.startOverText}</p>
    <div class="quick">
      <button type="button" autofocus @click=${() => chat.answer(false)}>${t.cancel}</button>
      <button type="button" class="filled ${erase ? 'danger' : ''}" @click=${() => chat.answer(true)}>${erase ? t.eraseYes : t.startOver}</button>
    </div>
  </dialog>`
}
