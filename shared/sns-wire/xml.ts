/**
 * Writes XML as SNS does: no declaration, two spaces a level, a trailing newline, empty elements self-closing.
 *
 * Element names come from this project's code, texts from anywhere. Characters that XML 1.0 cannot carry, not even as a
 * reference, become U+FFFD: an answer that no client can parse helps nobody. A carriage return is written as a reference,
 * since parsers turn a plain one into a line feed. W3C XML 1.0: 2.2 (characters), 2.11 (line ends).
 */

/** A text, or nested elements in their order. */
export type XmlNode = string | readonly (readonly [name: string, value: XmlNode])[]

/** The document with one root element. */
export function writeXml(o: { root: string; namespace: string; content: XmlNode }): string {
  return element(o.root, ` xmlns="${escapeXml(o.namespace)}"`, o.content, '')
}

function element(name: string, attributes: string, content: XmlNode, indent: string): string {
  if (content.length === 0) return `${indent}<${name}${attributes}/>\n`
  if (typeof content === 'string') return `${indent}<${name}${attributes}>${escapeXml(content)}</${name}>\n`
  let inner = ''
  for (const [childName, child] of content) inner += element(childName, '', child, `${indent}  `)
  return `${indent}<${name}${attributes}>\n${inner}${indent}</${name}>\n`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be found
const TO_ESCAPE = /[&<>"\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

function escapeXml(text: string): string {
  return text.toWellFormed().replace(TO_ESCAPE, (character) => ESCAPES.get(character) ?? '\ufffd')
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ['\r', '&#xD;'],
])
