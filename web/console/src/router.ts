/** Addresses of the console: each view has one, so that back, forward, reload and a copied link work. */

export const BASE = '/staff'
const CHANGED = 'milia-route'

export interface Place {
  /** Parts of the path below /staff, decoded. */
  parts: string[]
  query: URLSearchParams
}

export function here(): Place {
  const parts = location.pathname.slice(BASE.length).split('/').filter(Boolean)
  return { parts: parts.map(decoded), query: new URLSearchParams(location.search) }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Return the address of a view. No part of its path may have a dot: that would be a file. */
export function link(parts: string[], query: { [name: string]: string | number | null | undefined } = {}): string {
  const asked = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null && value !== '') asked.set(name, String(value))
  return `${BASE}/${parts.map(encodeURIComponent).join('/')}${asked.size ? `?${asked}` : ''}`
}

export function go(address: string, replace = false): void {
  if (replace) history.replaceState(null, '', address)
  else history.pushState(null, '', address)
  dispatchEvent(new Event(CHANGED))
}

/** Call `changed` whenever another view is asked for. */
export function watch(changed: () => void): void {
  addEventListener('popstate', changed)
  addEventListener(CHANGED, changed)
  document.addEventListener('click', (event) => {
    const anchor = (event.target as Element).closest?.('a')
    if (!anchor || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (anchor.target || anchor.hasAttribute('download') || anchor.origin !== location.origin || anchor.hash) return
    if (anchor.pathname !== BASE && !anchor.pathname.startsWith(`${BASE}/`)) return
    event.preventDefault()
    go(anchor.pathname + anchor.search)
  })
}
