/**
 * What the widget uses of the page's globals, taken when the script starts: a page that replaces them later does not
 * reach it.
 */
export const { localStorage: shared, sessionStorage: ofTab } = stores()
export const fetch = window.fetch.bind(window)
export const setTimeout = window.setTimeout.bind(window)
export const clearTimeout = window.clearTimeout.bind(window)
export const { parse, stringify } = JSON

const random = crypto.getRandomValues.bind(crypto)

/** A store that is blocked (third-party rules, a sandbox) throws at the first touch: then nothing is kept. */
function stores(): { localStorage?: Storage; sessionStorage?: Storage } {
  try {
    const { localStorage, sessionStorage } = window
    return { localStorage, sessionStorage }
  } catch {
    return {}
  }
}

/** A message id. `crypto.randomUUID` exists on HTTPS pages only. */
export function newId(): string {
  let id = ''
  for (const byte of random(new Uint8Array(16))) id += (byte + 256).toString(16).slice(1)
  return id
}
