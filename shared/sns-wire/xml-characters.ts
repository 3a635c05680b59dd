/**
 * Which texts XML 1.0 can carry. SNS takes no other as a message, subject or attribute. W3C XML 1.0, 2.2.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be found
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

/** Whether every character is tab, line feed, carriage return or an XML 1.0 character; half a surrogate pair is none. */
export function isXmlText(text: string): boolean {
  return !NOT_XML.test(text) && text.isWellFormed()
}
