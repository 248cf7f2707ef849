/** What all views share: they render into the page itself, and show what goes wrong. */
import { LitElement } from 'lit'
import { state } from 'lit/decorators.js'
import { Problem } from './api'

export abstract class View extends LitElement {
  /** What went wrong last, in words. */
  @state() problem?: Problem
  /** Name of what is being done; '' when nothing is. */
  @state() busy = ''

  /** One style sheet for the whole console, and labels that reach across elements. */
  protected override createRenderRoot(): HTMLElement {
    return this
  }

  /** Do something with the server; what goes wrong is shown and `undefined` returned. */
  protected async attempt<T>(name: string, what: () => Promise<T>): Promise<T | undefined> {
    this.busy = name
    this.problem = undefined
    try {
      return await what()
    } catch (error) {
      if (error instanceof Problem) this.problem = error
      else if (!(error instanceof DOMException && error.name === 'AbortError')) throw error
      return undefined
    } finally {
      this.busy = ''
    }
  }

  /** Move the focus to the first that fits, once it is rendered. */
  protected async focusOn(selector: string): Promise<void> {
    await this.updateComplete
    this.querySelector<HTMLElement>(selector)?.focus()
  }
}

export interface Note {
  text: string
  /** Takes back what the note tells of. */
  undo?: () => void
}

/** Tell what was done, at the foot of the page and to screen readers. */
export function say(text: string, undo?: () => void): void {
  dispatchEvent(new CustomEvent<Note>('milia-say', { detail: { text, undo } }))
}

/** Hand the person a file. */
export function save(name: string, content: string, type = 'text/plain'): void {
  const anchor = document.createElement('a')
  anchor.href = URL.createObjectURL(new Blob([content], { type }))
  anchor.download = name
  anchor.click()
  setTimeout(() => URL.revokeObjectURL(anchor.href), 60_000)
}
