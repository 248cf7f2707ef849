// What is chosen is shown in the chat and in the line to copy. Built with DOM calls: this page allows no inline style.
const form = document.querySelector('#choices')
const own = form.querySelector('[type=color]')
const stage = document.querySelector('#stage')

function chosen(name) {
  return new FormData(form).get(name)
}

function show() {
  const accent = chosen('accent') === 'custom' ? own.value : chosen('accent')
  const mode = chosen('mode')
  const theme = chosen('theme')
  const radius = chosen('radius')
  const inline = mode === 'inline'

  const attributes = [`src="${location.origin}/widget.js"`]
  if (inline) attributes.push('data-target="#chat"')
  if (mode === 'left') attributes.push('data-position="left"')
  if (accent) attributes.push(`data-accent="${accent}"`)
  if (theme) attributes.push(`data-theme="${theme}"`)
  const lines = [`<script ${attributes.join('\n        ')}\n        defer></script>`]
  if (inline) lines.unshift('<div id="chat"></div>')
  if (radius) lines.push(`<style>\n  milia-chat { --milia-radius: ${radius} }\n</style>`)
  document.querySelector('#snippet').textContent = lines.join('\n')

  document.querySelector('milia-chat')?.remove()
  const chat = document.createElement('milia-chat')
  chat.setAttribute('server', location.origin)
  if (inline) chat.setAttribute('mode', 'inline')
  if (mode === 'left') chat.setAttribute('position', 'left')
  if (accent) chat.setAttribute('accent', accent)
  if (theme) chat.setAttribute('theme', theme)
  if (radius) chat.style.setProperty('--milia-radius', radius)
  ;(inline ? stage : document.body).append(chat)
  stage.hidden = !inline
  document.querySelector('#elsewhere').hidden = inline
}

form.addEventListener('input', (event) => {
  if (event.target === own) form.querySelector('[value=custom]').checked = true
  show()
})
addEventListener('load', show)
