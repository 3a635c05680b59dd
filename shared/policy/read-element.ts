/** Takes elements of a document apart: each function refuses what is not of the type it is named for. */

import { MalformedPolicyError } from './errors.ts'
import { type Json, JsonNumber, type JsonObject } from './read-json.ts'

export function readObject(value: Json | undefined, place: string): JsonObject {
  if (value instanceof Map) return value
  throw new MalformedPolicyError('wrong-type', place)
}

export function readString(value: Json | undefined, place: string): string {
  if (typeof value === 'string') return value
  throw new MalformedPolicyError('wrong-type', place)
}

/** One string or a list of them, which must not be empty. */
export function readStrings(value: Json | undefined, place: string): string[] {
  return readList(value, place).map((item, i) => readString(item, placeOf(value, place, i)))
}

/** Values of a condition: numbers and booleans stand for their text. */
export function readConditionValues(value: Json | undefined, place: string): string[] {
  return readList(value, place).map((item, i) => {
    if (item instanceof JsonNumber) return item.text
    return typeof item === 'boolean' ? String(item) : readString(item, placeOf(value, place, i))
  })
}

/** @returns the items of a list, or the one thing that stands in its place */
export function readList(value: Json | undefined, place: string): readonly Json[] {
  if (value === undefined) throw new MalformedPolicyError('wrong-type', place)
  if (!Array.isArray(value)) return [value as Json]
  if (value.length === 0) throw new MalformedPolicyError('empty-list', place)
  return value
}

/** @returns the place of item `i`, or `place` itself when it is no list */
export function placeOf(value: Json | undefined, place: string, i: number): string {
  return Array.isArray(value) ? `${place}[${i}]` : place
}

export function refuseUnknown(object: JsonObject, known: ReadonlySet<string>, place: string): void {
  for (const name of object.keys())
    if (!known.has(name)) throw new MalformedPolicyError('unknown-element', within(place, name))
}

export function within(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`
}
