/**
 * The message attributes of a publish, with every rule SNS applies and its texts.
 *
 * Values are kept as the publisher spelled them, but for Binary, which becomes canonical base64: one byte sequence then
 * has one spelling, as the digest in the envelope needs. SNS developer guide, "Amazon SNS message attributes".
 */

import { judgeNumber } from './attribute-number.ts'
import { echo } from './echo.ts'
import { InvalidParameterError, memberNotNull, ParameterValueInvalidError } from './errors.ts'
import { MAX_ATTRIBUTE_NAME_BYTES } from './limits.ts'
import type { Parameters } from './parameters.ts'
import { isXmlText } from './xml-characters.ts'

export interface MessageAttribute {
  readonly name: string
  /** Whole, e.g. `String.Array`. */
  readonly dataType: string
  /** Canonical base64 when `dataType` is Binary or `Binary.…`. */
  readonly value: string
}

/**
 * Reads and checks `MessageAttributes`, in the order of the request.
 *
 * @param path what a missing member is called by; in a batch it names the entry
 * @throws {ParameterValueInvalidError} when an attribute breaks a rule
 * @throws {ValidationError} when a name or data type is missing
 * @throws {InvalidParameterError} when the list is malformed or a value has characters that SNS does not carry there
 */
export function readMessageAttributes(parameters: Parameters, path = 'messageAttributes'): readonly MessageAttribute[] {
  const names = new Set<string>()
  return parameters.structures(LIST).map((entry) => {
    const attribute = readAttribute(entry, path)
    if (names.has(attribute.name)) {
      throw new ParameterValueInvalidError(`The message attribute name '${attribute.name}' was given more than once.`)
    }
    names.add(attribute.name)
    return attribute
  })
}

/** What attributes add to the size of a message, right or wrong: each name, data type and value; base64 decoded. */
export function sentAttributeBytes(parameters: Parameters): number {
  let bytes = 0
  for (const entry of parameters.structures(LIST)) {
    for (const field of ['Name', 'Value.DataType', 'Value.StringValue']) {
      bytes += Buffer.byteLength(entry.get(field) ?? '', 'utf8')
    }
    bytes += Buffer.byteLength(entry.get('Value.BinaryValue') ?? '', 'base64')
  }
  return bytes
}

/** What the attribute adds to the size of its message. */
export function attributeBytes(attribute: MessageAttribute): number {
  const value = baseTypeOf(attribute.dataType) === 'Binary' ? 'base64' : 'utf8'
  return (
    Buffer.byteLength(attribute.name, 'utf8') +
    Buffer.byteLength(attribute.dataType, 'utf8') +
    Buffer.byteLength(attribute.value, value)
  )
}

const LIST = 'MessageAttributes'

type BaseType = 'String' | 'Number' | 'Binary'

function readAttribute(entry: Parameters, path: string): MessageAttribute {
  const sentName = entry.get('Name')
  if (sentName === undefined) throw memberNotNull(`${path}.name`)
  const name = checkName(sentName)
  const dataType = entry.get('Value.DataType')
  if (dataType === undefined) throw memberNotNull(`${path}.${name}.member.dataType`)
  const baseType = baseTypeOf(dataType)
  if (baseType === undefined || !isXmlText(dataType)) {
    throw new ParameterValueInvalidError(
      `The message attribute '${name}' has an invalid message attribute type, ` +
        'the set of supported type prefixes is Binary, Number, and String.',
    )
  }
  return { name, dataType, value: checkValue(name, baseType, readValue(name, baseType, entry)) }
}

function checkName(name: string): string {
  if (name === '') throw new ParameterValueInvalidError('The message attribute name must not be empty.')
  if (Buffer.byteLength(name, 'utf8') > MAX_ATTRIBUTE_NAME_BYTES) {
    throw new ParameterValueInvalidError(
      `Length of message attribute name must be less than ${MAX_ATTRIBUTE_NAME_BYTES} bytes.`,
    )
  }
  const [bad] = /[^A-Za-z0-9_.-]/u.exec(name) ?? []
  if (bad !== undefined) {
    const hex = bad.codePointAt(0)?.toString(16).toUpperCase()
    throw new ParameterValueInvalidError(
      `Invalid non-alphanumeric character '#x${hex}' was found in the message attribute name. ` +
        'Can only include alphanumeric characters, hyphens, underscores, or dots.',
    )
  }
  if (name.startsWith('.')) {
    throw new ParameterValueInvalidError("Invalid message attribute name starting with character '.' was found.")
  }
  if (name.endsWith('.')) {
    throw new ParameterValueInvalidError("Invalid message attribute name ending with character '.' was found.")
  }
  if (name.includes('..')) {
    throw new ParameterValueInvalidError("Message attribute name can not have successive '.' character.")
  }
  if (/^(?:aws|amazon)\./i.test(name)) {
    throw new ParameterValueInvalidError("Message attribute name can not start with 'AWS.' or 'Amazon.'.")
  }
  return name
}

function baseTypeOf(dataType: string): BaseType | undefined {
  for (const base of ['String', 'Number', 'Binary'] as const) {
    if (dataType === base || (dataType.startsWith(`${base}.`) && dataType.length > base.length + 1)) return base
  }
  return undefined
}

/** The value from the field that its type must use; a second field beside it would be dropped, so it is refused. */
function readValue(name: string, baseType: BaseType, entry: Parameters): string {
  const field = baseType === 'Binary' ? 'Binary' : 'String'
  const value = entry.get(`Value.${field}Value`)
  const other = entry.get(field === 'Binary' ? 'Value.StringValue' : 'Value.BinaryValue')
  if (other !== undefined) {
    throw new ParameterValueInvalidError(
      `The message attribute '${name}' with type '${baseType}' must use field '${field}'.`,
    )
  }
  if (value === undefined || value === '') {
    throw new ParameterValueInvalidError(
      `The message attribute '${name}' must contain non-empty message attribute value ` +
        `for message attribute type '${baseType}'.`,
    )
  }
  return value
}

function checkValue(name: string, baseType: BaseType, value: string): string {
  if (baseType === 'Binary') return canonicalBase64(name, value)
  if (baseType === 'Number') return checkNumber(name, value)
  // Surrogates are how UTF-16 spells the supplementary planes, which SNS takes in bodies but not here.
  if (!isXmlText(value) || /[\ud800-\udfff]/.test(value)) {
    throw new InvalidParameterError(
      `Invalid parameter: Invalid attribute value was passed in for message attribute ${name}`,
    )
  }
  return value
}

function checkNumber(name: string, value: string): string {
  const verdict = judgeNumber(value)
  if (verdict === 'fits') return value
  if (verdict === 'not a number') {
    throw new ParameterValueInvalidError(`Could not cast message attribute '${name}' value to number.`)
  }
  throw new ParameterValueInvalidError(
    `Message attribute '${name}' number value [${echo(value)}] ` +
      (verdict === 'scale' ? 'scale must be 10^-128 and 10^126.' : 'must have less than 38 precision digits.'),
  )
}

/** Node's decoder skips what it does not know, so the alphabet, the length and the padding are checked before it. */
function canonicalBase64(name: string, value: string): string {
  if (value.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) {
    throw new ParameterValueInvalidError(`Could not decode message attribute '${name}' value as base64.`)
  }
  return Buffer.from(value, 'base64').toString('base64')
}
