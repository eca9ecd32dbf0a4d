/**
 * The board: everything behind the key.
 *
 * Owns which service is shown and what happens on each event of the stream. Does not: draw charts
 * (`charts.js`), make rows (`views.js`) or talk to the gateway (`gateway.js`).
 */

import { byId, element } from '../demo/dom.js'
import { Charts } from './charts.js'
import { failureRows, MOST } from './failures.js'
import { age, milliseconds, perSecond } from './figures.js'
import { inMs, paceOf, Series, tookOf } from './series.js'
import { clientView, droppedView, eventView, failureView, noticeView, refusalView } from './views.js'

/** Rows of the tail. */
const TAIL_ROWS = 100

/** Pause before lists are asked for again: they lag behind the stream by a commit. */
const LIST_LAG_MS = 400

/** Services asked for their failures or an event, where all are wanted. */
const MOST_SERVICES = 20

export class Board {
  #gateway
  #series = new Series()
  #charts = new Charts(byId('panels', HTMLElement), this.#series)
  #services = /** @type {string[]} */ ([])
  #service = ''
  #paused = false
  #asking = 0
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later

  /** @param {import('./gateway.js').Gateway} gateway */
  constructor(gateway) {
    this.#gateway = gateway
    this.#charts.build()
    this.#emptied()
  }

  /** @param {import('./server-sent.js').ServerSent} event */
  tell({ name, data }) {
    if (name === 'hello') this.#hello(data)
    else if (name === 'history') this.#series.replace(data)
    else if (name === 'snapshot') this.#snapshot(data)
    else if (name === 'accepted' || name === 'settled') this.#notice(name, data)
    else if (name === 'dropped') this.#row(droppedView(data.dropped))
  }

  /** @param {string} service Empty for all. */
  show(service) {
    this.#service = service
    this.#charts.show(service)
    this.#figures()
    byId('tail', HTMLElement).replaceChildren()
    byId('failures', HTMLElement).replaceChildren()
    this.#readFailures('')
    void this.listFailures()
  }

  /** @returns {boolean} Whether the tail stands still now. */
  pause() {
    this.#paused = !this.#paused
    byId('tail-tally', HTMLElement).textContent = this.#paused ? 'paused' : ''
    return this.#paused
  }

  /** A list that cannot be read is no empty list: what is shown stays, and why is told. */
  async listFailures() {
    const asking = ++this.#asking
    const asked = this.#asked()
    const answers = await Promise.all(asked.map((it) => this.#gateway.failures(it, MOST)))
    if (asking !== this.#asking) return
    const unread = answers.find((it) => !it.ok)
    this.#readFailures(unread === undefined ? null : (unread.body.detail ?? 'could not be read'))
    if (unread !== undefined) return
    const rows = failureRows(
      answers.map((it, index) => ({ service: asked[index] ?? '', events: it.body.events }))
    )
    byId('failures-tally', HTMLElement).textContent = rows.length === 0 ? '' : String(rows.length)
    byId('failures', HTMLElement).replaceChildren(
      ...rows.map((row) =>
        failureView(row, {
          onResend: (it) => void this.#resend(it, row.id, row.service),
          onLook: () => void this.lookUpEvent(row.id, row.service)
        })
      )
    )
  }

  /** @param {string | null} trouble Why they could not be read; empty while they are asked for. */
  #readFailures(trouble) {
    byId('failures', HTMLElement).toggleAttribute('data-unread', trouble !== null)
    if (trouble !== null) byId('failures-tally', HTMLElement).textContent = trouble
  }

  /** @param {string} id @param {string} [service] Whose; otherwise every service is asked. */
  async lookUpEvent(id, service) {
    const place = byId('event-found', HTMLElement)
    byId('event-id', HTMLInputElement).value = id
    const services = service === undefined ? this.#asked() : [service]
    const answers = await Promise.all(services.map((it) => this.#gateway.event(id, it)))
    const at = answers.findIndex((it) => it.ok)
    const answer = answers[Math.max(at, 0)]
    if (answer === undefined || !answer.ok) {
      place.replaceChildren(refusalView(answer?.body ?? {}))
      return
    }
    const owner = services[at] ?? ''
    place.replaceChildren(
      ...eventView(owner, answer.body, (it) => void this.#resend(it, id, owner))
    )
  }

  /** @param {string} id */
  async lookUpClient(id) {
    const place = byId('client-found', HTMLElement)
    const answer = await this.#gateway.client(id)
    if (!answer.ok) {
      place.replaceChildren(refusalView(answer.body))
      return
    }
    place.replaceChildren(
      ...clientView(answer.body, (it) => void this.#disconnect(it, id), Date.now())
    )
  }

  /** @param {HTMLButtonElement} button @param {string} id */
  async #disconnect(button, id) {
    button.disabled = true
    const answer = await this.#gateway.disconnect(id)
    if (answer.ok) return this.lookUpClient(id)
    button.disabled = false
    byId('client-found', HTMLElement).append(refusalView(answer.body))
  }

  /** @param {HTMLButtonElement} button @param {string} id @param {string} service */
  async #resend(button, id, service) {
    button.disabled = true
    button.textContent = 'Sending…'
    const answer = await this.#gateway.resend(id, service)
    if (!answer.ok) {
      button.disabled = false
      button.textContent = answer.status === 0 ? 'No answer' : 'Refused'
      button.title = answer.body.detail ?? ''
      return
    }
    button.textContent = 'Sent again'
    this.#listSoon()
    if (byId('event-id', HTMLInputElement).value === id) {
      setTimeout(() => void this.lookUpEvent(id, service), LIST_LAG_MS)
    }
  }

  #asked() {
    return this.#service === '' ? this.#services.slice(0, MOST_SERVICES) : [this.#service]
  }

  /** @param {Record<string, any>} hello */
  #hello(hello) {
    this.#services = hello.services
    const select = byId('service', HTMLSelectElement)
    const options = [['', 'All'], ...this.#services.map((it) => [it, it])]
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)))
    if (!this.#services.includes(this.#service)) this.#service = ''
    select.value = this.#service
    const namespace = byId('namespace', HTMLElement)
    namespace.replaceChildren(hello.namespace)
    namespace.hidden = false
    byId('client-id', HTMLInputElement).placeholder = `${hello.namespace}.42.tab-1`
    void this.listFailures()
  }

  /** @param {Record<string, any>} snapshot */
  #snapshot(snapshot) {
    this.#series.add(snapshot)
    this.#charts.draw()
    this.#figures()
    const fresh = Object.keys(snapshot.services).filter((it) => !this.#services.includes(it) && it !== '-')
    if (fresh.length === 0) return
    this.#services = [...this.#services, ...fresh].sort()
    byId('service', HTMLSelectElement).append(...fresh.map((it) => new Option(it, it)))
  }

  /** @param {'accepted' | 'settled'} name @param {Record<string, any>} notice */
  #notice(name, notice) {
    if (name === 'settled' && notice.state === 'failed') this.#listSoon()
    if (this.#service !== '' && notice.service !== this.#service) return
    this.#row(noticeView(name, notice, () => void this.lookUpEvent(notice.id, notice.service)))
  }

  /** @param {HTMLElement} row */
  #row(row) {
    if (this.#paused) return
    const tail = byId('tail', HTMLElement)
    tail.prepend(row)
    while (tail.childElementCount > TAIL_ROWS) tail.lastElementChild?.remove()
  }

  #listSoon() {
    clearTimeout(this.#later)
    this.#later = setTimeout(() => void this.listFailures(), LIST_LAG_MS)
  }

  #figures() {
    const latest = this.#series.latest
    if (latest === undefined) return
    const pace = paceOf(latest, this.#service)
    const shown = [
      ['Accepted', `${perSecond(pace.accepted)}/s`, ''],
      ['Published', `${perSecond(tookOf(pace))}/s`, ''],
      ['Failed', `${perSecond(pace.failed)}/s`, pace.failed > 0 ? 'bad' : ''],
      ['Throttled', `${perSecond(pace.throttled)}/s`, pace.throttled > 0 ? 'warn' : ''],
      ['Refused', `${perSecond(pace.refused)}/s`, pace.refused > 0 ? 'warn' : ''],
      ['Latency, p95', milliseconds(inMs(pace.deliverySeconds?.p95)), ''],
      ['In the outbox', String(latest.outbox.waiting), ''],
      ['Oldest', latest.outbox.waiting === 0 ? '–' : age(latest.outbox.oldestSeconds), '']
    ]
    byId('figures', HTMLElement).replaceChildren(
      ...shown.map(([term, value, tone]) =>
        element(
          'div',
          { dataset: { tone: tone ?? '' } },
          element('dt', {}, term ?? ''),
          element('dd', {}, value ?? '')
        )
      )
    )
  }

  #emptied() {
    for (const id of ['failures', 'tail', 'event-found', 'client-found', 'figures']) {
      byId(id, HTMLElement).replaceChildren()
    }
  }
}
