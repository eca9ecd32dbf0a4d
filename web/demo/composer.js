/**
 * The form that posts an event through the gateway, the outcome, and the same as a curl line.
 */

import { postEvent } from './api.js'
import { offered } from './addresses.js'
import { curlLine, dataFrom, recipients } from './compose.js'
import { addressChip, byId, element } from './dom.js'
import { counted, duration } from './format.js'
import { outcomeOf } from './outcome.js'

export class Composer {
  #config
  #flights
  #form = byId('compose', HTMLFormElement)
  #to = byId('to', HTMLInputElement)
  #type = byId('type', HTMLInputElement)
  #data = byId('data', HTMLTextAreaElement)
  #dataHint = byId('data-hint', HTMLParagraphElement)
  #send = byId('send', HTMLButtonElement)
  #outcome = byId('outcome', HTMLDivElement)
  #suggestions = byId('suggestions', HTMLDivElement)
  #addresses = byId('addresses', HTMLDataListElement)
  #curl = byId('curl', HTMLElement)
  #sending = 0

  /**
   * @param {import('./api.js').DemoConfig} config
   * @param {import('./flights.js').Flights} flights
   */
  constructor(config, flights) {
    this.#config = config
    this.#flights = flights
    this.#form.addEventListener('submit', (submit) => {
      submit.preventDefault()
      void this.#post()
    })
    this.#form.addEventListener('input', () => this.#refresh())
    this.#form.addEventListener('keydown', (key) => {
      if (key.key === 'Enter' && (key.ctrlKey || key.metaKey)) this.#form.requestSubmit()
    })
    byId('copy', HTMLButtonElement).addEventListener('click', (click) => this.#copy(click))
    const wide = matchMedia('(min-width: 60rem) and (min-height: 56rem)')
    const unfold = () => (byId('terminal', HTMLDetailsElement).open = wide.matches)
    wide.addEventListener('change', unfold)
    unfold()
    this.offer([])
  }

  /** @param {readonly string[]} addresses What the clients on the page receive. */
  offer(addresses) {
    const offers = offered(addresses)
    this.#suggestions.replaceChildren(...offers.map((it) => addressChip(it, () => this.pick(it))))
    this.#addresses.replaceChildren(
      ...offers.map((it) => {
        const option = element('option')
        option.value = it
        return option
      })
    )
    this.#refresh()
  }

  /** @param {string} address */
  pick(address) {
    this.#to.value = address
    this.#refresh()
  }

  #event() {
    return {
      to: recipients(this.#to.value),
      type: this.#type.value.trim(),
      data: dataFrom(this.#data.value).data
    }
  }

  /** Keep hint, chips and curl line in step with what is typed. */
  #refresh() {
    const { isJson } = dataFrom(this.#data.value)
    this.#dataHint.textContent = isJson ? 'JSON' : 'Not JSON: goes out as one string.'
    const chosen = [recipients(this.#to.value)].flat()
    for (const chip of this.#suggestions.children) {
      chip.setAttribute('aria-pressed', String(chosen.includes(chip.textContent ?? '')))
    }
    this.#curl.textContent = curlLine({ ...this.#config, event: this.#event() })
  }

  async #post() {
    const id = crypto.randomUUID()
    const event = { ...this.#event(), id }
    const sentAt = performance.now()
    this.#sending += 1
    const number = this.#sending
    /** @type {import('./outcome.js').Outcome | null} */
    let outcome = null
    let shown = 0
    const show = () => {
      if (number !== this.#sending || outcome === null) return
      const here =
        shown === 0 ? 'Shown by no client here.' : `Shown by ${counted(shown, 'client')} here.`
      this.#tell({ ...outcome, detail: outcome.detail ?? here })
    }
    this.#flights.start(id, sentAt, (count) => {
      shown = count
      show()
    })
    this.#send.setAttribute('aria-busy', 'true')
    const answer = await postEvent(this.#config, event)
    this.#send.removeAttribute('aria-busy')
    outcome = outcomeOf(answer, duration(performance.now() - sentAt))
    show()
  }

  /** @param {import('./outcome.js').Outcome} outcome */
  #tell({ title, detail, tone }) {
    this.#outcome.dataset.tone = tone
    this.#outcome.replaceChildren(
      element('p', { className: 'outcome-title' }, title),
      element('p', { className: 'outcome-detail' }, detail ?? '')
    )
  }

  /** @param {Event} click */
  async #copy(click) {
    const copy = /** @type {HTMLButtonElement} */ (click.currentTarget)
    try {
      await navigator.clipboard.writeText(this.#curl.textContent ?? '')
      copy.textContent = 'Copied'
    } catch {
      // Forbidden by the user or the browser: leave the line selected for them to copy.
      getSelection()?.selectAllChildren(this.#curl)
      copy.textContent = 'Selected'
    }
    setTimeout(() => (copy.textContent = 'Copy'), 1_500)
  }
}
