/** An element that renders with lit-html: what the widget needs of LitElement, at half its size. */
import { render, type TemplateResult } from 'lit-html'

export abstract class Rendered extends HTMLElement {
  readonly root = this.attachShadow({ mode: 'open' })
  #pending?: Promise<void>

  /** @param css its style sheet: adopted, so that no policy against inline styles meets it */
  constructor(css: string) {
    super()
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(css)
    this.root.adoptedStyleSheets = [sheet]
  }

  /** Render again, once for all changes of this moment; resolves when it is done. */
  changed(): Promise<void> {
    return (this.#pending ??= Promise.resolve().then(() => {
      this.#pending = undefined
      this.draw()
    }))
  }

  /** Render now. */
  protected draw(): void {
    render(this.view(), this.root, { host: this })
    this.drawn()
  }

  $<T extends HTMLElement>(selector: string): T {
    return this.root.querySelector<T>(selector)!
  }

  protected abstract view(): TemplateResult
  protected abstract drawn(): void
}
