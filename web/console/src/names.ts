/** What things are called: names that the server gives, and figures and dates in words. */
import { call } from './api'
import type { About } from './types'

export type Level = 'provider_routine' | 'provider_soon' | 'urgent_same_day' | 'emergency_now'
export const LEVELS: Level[] = ['provider_routine', 'provider_soon', 'urgent_same_day', 'emergency_now']

let known: About | undefined

export async function load(): Promise<About> {
  return (known = await call('get', '/about'))
}

/** What the server said of itself; there once the shell has shown a view. */
export function about(): About {
  return known!
}

const titles = (list: { id: string; title: string }[] | undefined, id: string) => list?.find((one) => one.id === id)?.title

export const topic = (id: string) => titles(known?.topics, id) ?? titles(known?.kinds, id) ?? words(id)
export const sign = (id: string) => titles(known?.signs, id) ?? words(id.replace(/^ws\./, ''))
export const level = (id: string) => titles(known?.levels, id) ?? words(id)
export const isTopic = (id: string) => known?.topics.some((one) => one.id === id) ?? false

/** A name of the program as words. */
export function words(id: string): string {
  const plain = id.replace(/[_.]/g, ' ').trim()
  return plain.charAt(0).toUpperCase() + plain.slice(1)
}

export const percent = (share: number) => `${Math.round(share * 100)}%`

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}

export function milliseconds(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`
}

/** Seconds as people say them. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  return whole < 90 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
}

const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
export const moment = (iso: string) => MOMENT.format(new Date(iso))
export const day = (iso: string) => DAY.format(new Date(`${iso}T12:00:00`))

/** Any JSON value as a few words. */
export function value(json: unknown): string {
  if (json === null || json === undefined || json === '' || (Array.isArray(json) && !json.length)) return 'nothing'
  if (json === true) return 'yes'
  if (json === false) return 'no'
  if (Array.isArray(json)) return json.map(value).join(', ')
  if (typeof json === 'object')
    return Object.entries(json)
      .map(([name, one]) => `${words(name)}: ${value(one)}`)
      .join('; ')
  return String(json)
}
