/** One statement of a policy: its elements checked, and a test prepared for each. */

import type { PolicyKind, Statement } from './compiled-policy.ts'
import { compileConditions } from './conditions.ts'
import { MalformedPolicyError } from './errors.ts'
import type { ConditionContext } from './identity.ts'
import { compileResource } from './match-arn.ts'
import { areAllListed, matchPrincipals, readPrincipals } from './principals.ts'
import { placeOf, readObject, readString, readStrings, refuseUnknown } from './read-element.ts'
import type { Json, JsonObject } from './read-json.ts'
import { anyOf, parseTemplate, type TemplatePart, type Variable } from './template.ts'
import { compileWildcard, type PatternPart } from './wildcard.ts'

interface StatementRules {
  readonly index: number
  readonly kind: PolicyKind
  readonly variables: boolean
  readonly place: string
}

const ELEMENTS: ReadonlySet<string> = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])
/** IAM takes letters and digits alone; SNS and KMS also what stands in their own default documents. */
const SID: Readonly<Record<PolicyKind, RegExp>> = {
  identity: /^[A-Za-z0-9]*$/,
  trust: /^[A-Za-z0-9]*$/,
  resource: /^[\x20-\x7e\xa0-\xff]*$/,
  key: /^[\x20-\x7e\xa0-\xff]*$/,
}
const ACTION = /^(?:\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$/

/** Actions have no variables. */
const NO_CONTEXT: ConditionContext = new Map()

/** @returns the statement and the condition keys it looks at */
export function compileStatement(value: Json, rules: StatementRules): { statement: Statement; keys: string[] } {
  const { index, kind, variables, place } = rules
  const element = readObject(value, place)
  refuseUnknown(element, ELEMENTS, place)
  const sid = element.has('Sid') ? readString(element.get('Sid'), `${place}.Sid`) : ''
  if (!SID[kind].test(sid)) throw new MalformedPolicyError('bad-sid', `${place}.Sid`)
  const effect = readEffect(element, place)
  const who = compileWho(element, effect, rules)
  const what = compileActions(element, rules)
  const onWhat = compileResources(element, rules)
  const given = element.get('Condition')
  const conditions = given === undefined ? [] : compileConditions(given, variables, `${place}.Condition`)
  return {
    statement: {
      index,
      ...(sid === '' ? {} : { sid }),
      effect,
      ...who,
      ...what,
      ...onWhat.parsed,
      conditions,
      matchesResource: onWhat.matchesResource,
      matchesConditions: (context) => {
        for (const condition of conditions) if (!condition.holds(context)) return false
        return true
      },
    },
    keys: [...onWhat.keys, ...conditions.flatMap(({ keys }) => keys)],
  }
}

function readEffect(element: JsonObject, place: string): 'Allow' | 'Deny' {
  if (!element.has('Effect')) throw new MalformedPolicyError('missing-element', `${place}.Effect`)
  const effect = readString(element.get('Effect'), `${place}.Effect`)
  if (effect !== 'Allow' && effect !== 'Deny') throw new MalformedPolicyError('bad-effect', `${place}.Effect`)
  return effect
}

/** @returns which of the two is there */
function pick(element: JsonObject, name: string, place: string): string | undefined {
  const opposite = `Not${name}`
  if (element.has(name) && element.has(opposite))
    throw new MalformedPolicyError('conflicting-elements', `${place}.${opposite}`)
  if (element.has(name)) return name
  return element.has(opposite) ? opposite : undefined
}

function compileWho(
  element: JsonObject,
  effect: 'Allow' | 'Deny',
  { kind, place }: StatementRules,
): Pick<Statement, 'principals' | 'notPrincipals' | 'matchPrincipal'> {
  const name = pick(element, 'Principal', place)
  if (kind === 'identity') {
    if (name !== undefined) throw new MalformedPolicyError('misplaced-element', `${place}.${name}`)
    return { matchPrincipal: () => 'principal' }
  }
  if (name === undefined) throw new MalformedPolicyError('missing-element', `${place}.Principal`)
  const list = readPrincipals(element.get(name) ?? null, `${place}.${name}`)
  if (name === 'Principal') return { principals: list, matchPrincipal: (subject) => matchPrincipals(list, subject) }
  // Allowing everybody but a few would allow whoever is not known yet; IAM refuses it.
  if (effect === 'Allow' || kind === 'trust') throw new MalformedPolicyError('misplaced-element', `${place}.${name}`)
  return {
    notPrincipals: list,
    matchPrincipal: (subject) => (areAllListed(list, subject) ? undefined : 'principal'),
  }
}

function compileActions(
  element: JsonObject,
  { kind, place }: StatementRules,
): Pick<Statement, 'actions' | 'notActions' | 'matchesAction'> {
  const name = pick(element, 'Action', place)
  if (name === undefined) {
    if (kind === 'key') return { matchesAction: () => false }
    throw new MalformedPolicyError('missing-element', `${place}.Action`)
  }
  const listed = element.get(name)
  const actions = readStrings(listed, `${place}.${name}`)
  const patterns = actions.map((action, i) => {
    if (!ACTION.test(action)) throw new MalformedPolicyError('bad-action', placeOf(listed, `${place}.${name}`, i))
    return compileWildcard(withoutVariables(action.toLowerCase()))
  })
  const isOneOf = anyOf(patterns)
  const isListed = (action: string) => isOneOf(action, NO_CONTEXT)
  return name === 'Action'
    ? { actions, matchesAction: isListed }
    : { notActions: actions, matchesAction: (action) => !isListed(action) }
}

function withoutVariables(text: string): PatternPart[] {
  const parts = parseTemplate(text, { variables: false, wildcards: true }, '')
  return parts.filter((part): part is Exclude<TemplatePart, Variable> => typeof part === 'symbol' || 'text' in part)
}

function compileResources(
  element: JsonObject,
  { kind, variables, place }: StatementRules,
): {
  parsed: Pick<Statement, 'resources' | 'notResources'>
  matchesResource: Statement['matchesResource']
  keys: string[]
} {
  const name = pick(element, 'Resource', place)
  if (kind === 'trust') {
    if (name !== undefined) throw new MalformedPolicyError('misplaced-element', `${place}.${name}`)
    return { parsed: {}, matchesResource: () => true, keys: [] }
  }
  if (name === undefined) {
    if (kind === 'key') return { parsed: {}, matchesResource: () => false, keys: [] }
    throw new MalformedPolicyError('missing-element', `${place}.Resource`)
  }
  const listed = element.get(name)
  const texts = readStrings(listed, `${place}.${name}`)
  const patterns = texts.map((text, i) => compileResource(text, variables, placeOf(listed, `${place}.${name}`, i)))
  const keys = patterns.flatMap((pattern) => pattern.variables)
  const isListed = anyOf(patterns)
  return name === 'Resource'
    ? { parsed: { resources: texts }, matchesResource: isListed, keys }
    : {
        parsed: { notResources: texts },
        matchesResource: (resource, context) => !isListed(resource, context),
        keys,
      }
}
