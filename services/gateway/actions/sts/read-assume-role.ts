/**
 * Reads and checks the parameters of AssumeRole; knows no role and no caller.
 *
 * Limits and patterns: STS API reference, AssumeRole. What this server does not enforce is refused by name.
 */

import { compilePolicy, MalformedPolicyError } from '#shared/policy'
import { type Parameters, ValidationError } from '#shared/sns-wire'
import { refuseUnsupported } from '../../refuse-unsupported.ts'
import { type Constraint, missing, rangeViolationOf, refuseViolations, violationOf } from './check-members.ts'
import { MalformedPolicyDocumentError, StsParameterValueError } from './errors.ts'

export interface AssumeRoleInput {
  readonly roleArn: string
  readonly sessionName: string
  readonly durationSeconds: number
  readonly sessionPolicy?: string
  readonly externalId?: string
  readonly tags: Readonly<Record<string, string>>
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity?: string
}

const DEFAULT_DURATION_SECONDS = 3_600
const MIN_DURATION_SECONDS = 900
const MAX_DURATION_SECONDS = 43_200
const MAX_TAGS = 50

const NAME = { minLength: 2, maxLength: 64, pattern: /^[\w+=,.@-]*$/, patternText: String.raw`[\w+=,.@-]*` }
const ROLE_ARN: Constraint = { member: 'roleArn', minLength: 20, maxLength: 2_048 }
const SESSION_NAME: Constraint = { member: 'roleSessionName', ...NAME }
const SOURCE_IDENTITY: Constraint = { member: 'sourceIdentity', ...NAME }
const EXTERNAL_ID: Constraint = {
  member: 'externalId',
  minLength: 2,
  maxLength: 1_224,
  pattern: /^[\w+=,.@:/-]*$/,
  patternText: String.raw`[\w+=,.@:\/-]*`,
  hidden: true,
}
const POLICY: Constraint = {
  member: 'policy',
  minLength: 1,
  maxLength: 2_048,
  pattern: /^[\t\n\r\u0020-\u00ff]+$/,
  patternText: String.raw`[\u0009\u000A\u000D\u0020-\u00FF]+`,
  hidden: true,
}
const TAG_CHARACTERS = String.raw`[\p{L}\p{Z}\p{N}_.:/=+\-@]`

/**
 * @throws {ValidationError} naming all that is wrong
 * @throws {MalformedPolicyDocumentError} when the session policy is none
 * @throws {StsParameterValueError} when tags contradict each other
 * @throws {InvalidParameterError} for what is not offered here: managed policies, MFA, contexts
 */
export function readAssumeRole(parameters: Parameters): AssumeRoleInput {
  refuseUnsupported(parameters, ['PolicyArns', 'SerialNumber', 'TokenCode', 'ProvidedContexts'])
  const given = (name: string) => parameters.get(name)
  const roleArn = given('RoleArn')
  const sessionName = given('RoleSessionName')
  const duration = given('DurationSeconds') ?? String(DEFAULT_DURATION_SECONDS)
  const sessionPolicy = given('Policy')
  const externalId = given('ExternalId')
  const sourceIdentity = given('SourceIdentity')
  const tagged = parameters.structures('Tags')
  const transitiveTagKeys = parameters.list('TransitiveTagKeys')
  refuseViolations([
    roleArn === undefined ? missing('roleArn') : violationOf(roleArn, ROLE_ARN),
    sessionName === undefined ? missing('roleSessionName') : violationOf(sessionName, SESSION_NAME),
    rangeViolationOf(duration, { member: 'durationSeconds', min: MIN_DURATION_SECONDS, max: MAX_DURATION_SECONDS }),
    sessionPolicy === undefined ? undefined : violationOf(sessionPolicy, POLICY),
    externalId === undefined ? undefined : violationOf(externalId, EXTERNAL_ID),
    sourceIdentity === undefined ? undefined : violationOf(sourceIdentity, SOURCE_IDENTITY),
    tooMany('tags', tagged.length),
    ...tagged.flatMap(violationsOfTag),
    tooMany('transitiveTagKeys', transitiveTagKeys.length),
    ...transitiveTagKeys.map((key, at) => violationOf(key, tagKey(`transitiveTagKeys.${at + 1}.member`))),
  ])
  if (roleArn === undefined || sessionName === undefined) throw new TypeError('Cannot happen: refused above')
  if (!/^arn:aws:iam::\d{12}:role\/[\x21-\x7e]+$/.test(roleArn)) throw new ValidationError('Request ARN is invalid')
  if (sessionPolicy !== undefined) checkSessionPolicy(sessionPolicy)
  const tags = readTags(tagged)
  refuseUnknownTransitiveKeys(transitiveTagKeys, tags)
  return {
    roleArn,
    sessionName,
    durationSeconds: Number(duration),
    tags,
    transitiveTagKeys,
    ...(sessionPolicy === undefined ? {} : { sessionPolicy }),
    ...(externalId === undefined ? {} : { externalId }),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
  }
}

function tooMany(member: string, count: number): string | undefined {
  if (count <= MAX_TAGS) return undefined
  const rule = `Member must have length less than or equal to ${MAX_TAGS}`
  return `Value '***' at '${member}' failed to satisfy constraint: ${rule}`
}

function tagKey(member: string): Constraint {
  const pattern = new RegExp(`^${TAG_CHARACTERS}+$`, 'u')
  return { member, minLength: 1, maxLength: 128, pattern, patternText: `${TAG_CHARACTERS}+` }
}

function tagValue(member: string): Constraint {
  const pattern = new RegExp(`^${TAG_CHARACTERS}*$`, 'u')
  return { member, maxLength: 256, pattern, patternText: `${TAG_CHARACTERS}*` }
}

function violationsOfTag(tag: Parameters, at: number): (string | undefined)[] {
  const place = `tags.${at + 1}.member`
  const key = tag.get('Key')
  const value = tag.get('Value')
  return [
    key === undefined ? missing(`${place}.key`) : violationOf(key, tagKey(`${place}.key`)),
    value === undefined ? missing(`${place}.value`) : violationOf(value, tagValue(`${place}.value`)),
  ]
}

/** Keys are the same in any case. */
function readTags(tagged: readonly Parameters[]): Readonly<Record<string, string>> {
  const tags = new Map<string, string>()
  const seen = new Set<string>()
  for (const tag of tagged) {
    const key = tag.get('Key') ?? ''
    const folded = key.toLowerCase()
    if (folded.startsWith('aws:')) {
      throw new StsParameterValueError('Tag keys that start with aws: are reserved for system use.')
    }
    if (seen.has(folded)) {
      throw new StsParameterValueError('Duplicate tag keys found. Please note that Tag keys are case insensitive.')
    }
    seen.add(folded)
    tags.set(key, tag.get('Value') ?? '')
  }
  return Object.fromEntries(tags)
}

function refuseUnknownTransitiveKeys(keys: readonly string[], tags: AssumeRoleInput['tags']): void {
  const known = new Set(Object.keys(tags).map((key) => key.toLowerCase()))
  if (keys.every((key) => known.has(key.toLowerCase()))) return
  throw new StsParameterValueError('The specified transitive tag key must be included in the requested tags.')
}

function checkSessionPolicy(text: string): void {
  try {
    compilePolicy(text, { kind: 'identity' })
  } catch (error) {
    if (!(error instanceof MalformedPolicyError)) throw error
    throw new MalformedPolicyDocumentError(
      error.reason === 'not-json' ? 'This policy contains invalid Json' : 'Syntax errors in policy.',
    )
  }
}
