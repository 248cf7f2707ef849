/**
 * Entry: makes `<milia-chat>` known, and puts one on the page when a script tag asks for it by its `data-` attributes
 * (docs/embedding.md). Loaded as a module, or bundled, it only makes the element known unless such a tag is found.
 */
import { MiliaChat } from './chat'

const ATTRIBUTES = ['mode', 'theme', 'position', 'heading', 'launcher', 'accent', 'privacy', 'keep', 'texts', 'lang', 'dir']
const NAME = 'milia-chat'
// A module has no `currentScript`.
const script = (document.currentScript ?? document.querySelector('script[src*="/widget.js"]')) as HTMLScriptElement | null

function mount(): void {
  const data = script!.dataset
  if (data.mount === 'none' || document.querySelector(NAME)) return
  const place = data.target ? document.querySelector(data.target) : document.body
  if (!place) return console.error(`milia: no element for data-target="${data.target}"`)
  const chat = document.createElement(NAME)
  chat.setAttribute('server', data.server ?? new URL(script!.src).origin)
  if (data.target) chat.setAttribute('mode', 'inline')
  for (const name of ATTRIBUTES) {
    const value = data[name]
    if (value !== undefined) chat.setAttribute(name, value)
  }
  place.append(chat)
}

customElements.define(NAME, MiliaChat)
if (script?.src) {
  if (document.body) mount()
  else addEventListener('DOMContentLoaded', mount)
}
