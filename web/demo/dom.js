/**
 * Building the page without ever parsing HTML.
 *
 * Text that came over the wire only ever becomes a text node; there is no way through here to
 * markup, attributes with code, or inline styles.
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{className?: string, title?: string, type?: string, dataset?: Record<string, string>,
 *   aria?: Record<string, string>, onclick?: () => void}} [properties]
 * @param {...(Node | string)} children Strings become text nodes.
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const it = document.createElement(tag)
  const { className, title, type, dataset = {}, aria = {}, onclick } = properties
  if (className !== undefined) it.className = className
  if (title !== undefined) it.title = title
  if (type !== undefined) it.setAttribute('type', type)
  if (onclick !== undefined) it.addEventListener('click', onclick)
  Object.assign(it.dataset, dataset)
  for (const [name, value] of Object.entries(aria)) {
    it.setAttribute(name === 'role' ? name : `aria-${name}`, value)
  }
  it.append(...children)
  return it
}

/**
 * @param {string} label
 * @param {() => void} onclick
 * @param {string} [className]
 */
export function button(label, onclick, className = '') {
  return element(
    'button',
    { type: 'button', className: `button ${className}`.trim(), onclick },
    label
  )
}

/**
 * An element of index.html; a missing one is our bug and shown as such.
 *
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function byId(id, kind) {
  const it = document.getElementById(id)
  if (it instanceof kind) return it
  throw new Error(`index.html has no ${kind.name} with id ${id}`)
}

/**
 * An address as a pressable chip, coloured by its kind.
 *
 * @param {string} address
 * @param {(address: string) => void} onPick
 */
export function addressChip(address, onPick) {
  const kind = address.split(':', 1)[0] ?? ''
  return element(
    'button',
    {
      type: 'button',
      className: 'chip',
      title: `Send to ${address}`,
      dataset: { kind },
      aria: { label: `Send to ${address}` },
      onclick: () => onPick(address)
    },
    address
  )
}
