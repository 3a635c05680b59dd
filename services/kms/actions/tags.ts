/** TagResource, UntagResource and ListResourceTags, and the rules for tags that CreateKey shares. */

import { TagError } from '../errors.ts'
import { countSpellings, MAX_SPELLINGS } from '../key-conditions.ts'
import { requireNotPendingDeletion } from '../key-states.ts'
import type { Tag } from '../key-store.ts'
import type { MemberReader } from '../members.ts'
import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'
import { MARKER_RULES, paginate } from './paginate.ts'

/** KMS's quota on the tags of one key. */
const MAX_TAGS = 50

const TAG_KEY_RULES = { min: 1, max: 128 } as const
const TAG_VALUE_RULES = { max: 256 } as const

export const tagResource: Action = async (request) => {
  const { keyId, tags } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    tags: read.requiredStructures('Tags', readTag),
  }))
  checkTags(tags)
  const { arn } = resolveKey(keyId, request, { aliases: false, requestTags: tags })
  await request.keyStore.changeKey(arn, (key) => {
    requireNotPendingDeletion(key)
    const kept = key.tags.filter((tag) => !tags.some((added) => added.key === tag.key))
    const all = [...kept, ...tags]
    checkAll(all)
    return { ...key, tags: all }
  })
  return undefined
}

export const untagResource: Action = async (request) => {
  const { keyId, names } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    names: read.requiredTexts('TagKeys', TAG_KEY_RULES),
  }))
  const conditions = new Map([['aws:tagkeys', names]])
  const { arn } = resolveKey(keyId, request, { aliases: false, conditions })
  await request.keyStore.changeKey(arn, (key) => {
    requireNotPendingDeletion(key)
    const kept = key.tags.filter((tag) => !names.includes(tag.key))
    return kept.length === key.tags.length ? key : { ...key, tags: kept }
  })
  return undefined
}

export const listResourceTags: Action = (request) => {
  const { keyId, ...page } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    limit: read.integer('Limit', { min: 1, max: 50 }) ?? 50,
    marker: read.text('Marker', MARKER_RULES),
  }))
  const key = resolveKey(keyId, request, { aliases: false })
  const tags = key.tags.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const { operation } = request
  const { page: shown, next } = paginate(tags, { ...page, operation, keyOf: (tag) => tag.key })
  return { Tags: shown.map((tag) => ({ TagKey: tag.key, TagValue: tag.value })), ...next }
}

export function readTag(read: MemberReader): Tag {
  return {
    key: read.requiredText('TagKey', TAG_KEY_RULES),
    value: read.requiredText('TagValue', TAG_VALUE_RULES),
  }
}

/** @throws {TagError} for a key given twice, a reserved one, or too many */
export function checkTags(tags: readonly Tag[]): void {
  if (new Set(tags.map(({ key }) => key)).size < tags.length) throw new TagError('Duplicate tag keys')
  checkAll(tags)
  const isReserved = tags.some(({ key }) => key.toLowerCase().startsWith('aws:'))
  if (isReserved) throw new TagError('Tags beginning with aws: are reserved')
}

/** Of a key: conditions must look at each of those that differ in case alone. */
function checkAll(tags: readonly Tag[]): void {
  if (tags.length > MAX_TAGS) throw new TagError('Too many tags')
  if (countSpellings(tags.map(({ key }) => key)) <= MAX_SPELLINGS) return
  throw new TagError(`More than ${MAX_SPELLINGS} tag keys differ in case alone`)
}
