/** ListKeyRotations: the rotations of a key, oldest first; on request its first material too. */

import type { KeyMaterial, KmsKey } from '../key-store.ts'
import { type Action, KEY_ID_RULES, resolveKey, toSeconds } from './action.ts'
import { MARKER_RULES, paginate } from './paginate.ts'

const INCLUDED = ['ALL_KEY_MATERIAL', 'ROTATIONS_ONLY'] as const

export const listKeyRotations: Action = (request) => {
  const { keyId, included, ...page } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    included: read.choice('IncludeKeyMaterial', { values: INCLUDED, supported: INCLUDED }) ?? 'ROTATIONS_ONLY',
    limit: read.integer('Limit', { min: 1, max: 1000 }) ?? 100,
    marker: read.text('Marker', MARKER_RULES),
  }))
  const key = resolveKey(keyId, request, { aliases: false })
  const wanted = key.materials
    .map((material, at) => ({ material, position: String(at).padStart(8, '0') }))
    .filter(({ material }) => included === 'ALL_KEY_MATERIAL' || material.rotationType !== undefined)
  const { operation } = request
  const { page: shown, next } = paginate(wanted, { ...page, operation, keyOf: ({ position }) => position })
  return { Rotations: shown.map(({ material }) => entryOf(key, material)), ...next }
}

function entryOf({ id }: KmsKey, material: KeyMaterial): Readonly<Record<string, unknown>> {
  const entry = { KeyId: id, KeyMaterialId: material.id, KeyMaterialState: material.state }
  if (material.rotationType === undefined) return entry
  return { ...entry, RotationDate: toSeconds(material.createdAt), RotationType: material.rotationType }
}
