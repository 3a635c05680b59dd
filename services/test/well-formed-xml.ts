/** Whether a text is one well-formed XML document of elements and text, as this broker's answers are. */

const PIECE = /<(\/?)([A-Za-z]+)(?: xmlns="[^"<&]*")?(\/?)>|([^<]+)/gy
const TEXT = /^(?:[^&]|&(?:amp|lt|gt|quot|#xD);)*$/

/** Comments, declarations, attributes but `xmlns`, and other entities count as malformed: nothing here sends them. */
export function isWellFormedXml(text: string): boolean {
  const open: string[] = []
  let roots = 0
  let at = 0
  for (const [piece, closing, name, empty, characters] of text.matchAll(PIECE)) {
    at += piece.length
    if (characters !== undefined) {
      if (!TEXT.test(characters) || (open.length === 0 && characters.trim() !== '')) return false
    } else if (closing === '/') {
      if (open.pop() !== name || empty === '/') return false
    } else {
      if (open.length === 0 && ++roots > 1) return false
      if (empty !== '/' && name !== undefined) open.push(name)
    }
  }
  return at === text.length && open.length === 0 && roots === 1
}
