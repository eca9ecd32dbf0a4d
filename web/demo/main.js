/**
 * The demo page: puts clients side by side and an event composer next to them.
 *
 * Owns which cards there are. Everything a card does is in card.js, sending in composer.js.
 */

import { loadConfig } from './api.js'
import { offerBreakIns } from './breakin.js'
import { Card } from './card.js'
import { Composer } from './composer.js'
import { button, byId, element } from './dom.js'
import { Flights } from './flights.js'
import { fromForm, fromPreset, leaveRoster, PRESETS, takeRoster, titleOf } from './roster.js'

const dialog = byId('dialog', HTMLDialogElement)
const cards = byId('cards', HTMLDivElement)
/** @type {Card[]} */
const present = []
const flights = new Flights()

try {
  start(await loadConfig())
} catch (error) {
  const trouble = byId('trouble', HTMLParagraphElement)
  trouble.textContent = `The demo could not start: ${error instanceof Error ? error.message : error}. Is localaws running?`
  trouble.hidden = false
}

/** @param {import('./api.js').DemoConfig} config */
function start(config) {
  const composer = new Composer(config, flights)
  const namespace = byId('namespace', HTMLParagraphElement)
  namespace.append(element('span', {}, 'namespace '), config.namespace)
  namespace.title = 'First level of every topic'
  namespace.hidden = false

  const refresh = () => {
    const connected = present.filter((it) => it.state === 'connected').length
    byId('tally', HTMLSpanElement).textContent =
      present.length === 0 ? '' : `${connected} of ${present.length} connected`
    byId('welcome', HTMLDivElement).hidden = present.length > 0
    byId('add', HTMLButtonElement).hidden = present.length === 0
    composer.offer(present.flatMap((it) => it.addresses))
  }

  /** @param {import('./roster.js').Member} member */
  const join = (member) => {
    const card = new Card({
      member,
      credentialsUrl: config.credentialsUrl,
      flights,
      onPick: (address) => composer.pick(address),
      onChange: refresh,
      onRemove: (it) => {
        present.splice(present.indexOf(it), 1)
        it.node.remove()
        refresh()
        byId(present.length === 0 ? 'connect-all' : 'add', HTMLButtonElement).focus()
      }
    })
    present.push(card)
    cards.append(card.node)
    card.connect()
    refresh()
  }

  offerPresets(join)
  offerBreakIns(config.credentialsUrl)
  wireDialog(join)
  takeRoster(sessionStorage).forEach(join)
  // Back from the back/forward cache: this page shows them again, so no other may.
  addEventListener('pageshow', (show) => show.persisted && takeRoster(sessionStorage))
  addEventListener('pagehide', () =>
    leaveRoster(
      sessionStorage,
      present.map((it) => it.member)
    )
  )
  refresh()
}

/** @param {(member: import('./roster.js').Member) => void} join */
function offerPresets(join) {
  byId('connect-all', HTMLButtonElement).addEventListener('click', () =>
    PRESETS.forEach((it) => join(fromPreset(it)))
  )
  for (const list of ['offers', 'dialog-offers']) {
    byId(list, HTMLUListElement).replaceChildren(
      ...PRESETS.map((preset) => {
        const connect = button(
          'Connect',
          () => {
            if (dialog.open) dialog.close()
            join(fromPreset(preset))
          },
          'small'
        )
        connect.setAttribute('aria-label', `Connect ${titleOf(preset)}`)
        return element(
          'li',
          {},
          element('span', { className: 'offer-name' }, titleOf(preset)),
          element(
            'span',
            { className: 'offer-groups' },
            `user:${preset.user}, groups ${preset.groups.join(', ')}`
          ),
          connect
        )
      })
    )
  }
}

/** @param {(member: import('./roster.js').Member) => void} join */
function wireDialog(join) {
  const form = byId('join', HTMLFormElement)
  const fields = {
    user: byId('user', HTMLInputElement),
    groups: byId('groups', HTMLInputElement),
    device: byId('device', HTMLInputElement)
  }
  const open = () => {
    form.reset()
    dialog.showModal()
    fields.user.focus()
  }
  byId('add', HTMLButtonElement).addEventListener('click', open)
  byId('connect-own', HTMLButtonElement).addEventListener('click', open)
  byId('cancel', HTMLButtonElement).addEventListener('click', () => dialog.close())
  form.addEventListener('submit', () =>
    join(
      fromForm({
        user: fields.user.value,
        groups: fields.groups.value,
        device: fields.device.value
      })
    )
  )
}
