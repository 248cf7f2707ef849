/** The conversation as plain text, and the ways out of the browser: copied, printed, saved. */
import type { Turn } from './conversation'
import { fill, type Texts } from './texts'

/** Write down the turns that have a reply or wait for one. */
export function transcript(turns: readonly Turn[], texts: Texts, name: string, language: string): string {
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  const parts = [`${fill(texts.transcript, { name })}\n${texts.disclaimer}`]
  for (const turn of turns) {
    parts.push(`${texts.you}, ${date.format(new Date(turn.time))}\n${turn.text}`)
    for (const reply of turn.replies) {
      const level = reply.alert && reply.level ? texts[reply.level as keyof Texts] : ''
      parts.push([name, level, reply.text].filter(Boolean).join('\n'))
    }
  }
  return `${parts.join('\n\n')}\n`
}

export function save(text: string, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}

/** Print only this text, from a frame of its own: the page around the widget stays out of it. */
export function print(text: string, within: Node): void {
  const frame = document.createElement('iframe')
  // Not hidden: some browsers print nothing of a frame that is not laid out.
  frame.className = 'sr'
  frame.tabIndex = -1
  frame.setAttribute('aria-hidden', 'true')
  within.appendChild(frame)
  const { contentWindow, contentDocument } = frame
  const lines = contentDocument!.createElement('pre')
  lines.textContent = text
  contentDocument!.body.append(lines)
  Object.assign(lines.style, { whiteSpace: 'pre-wrap', font: '12pt/1.5 sans-serif' })
  contentWindow!.addEventListener('afterprint', () => frame.remove())
  contentWindow!.print()
}
