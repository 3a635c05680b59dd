/**
 * The Principal element: who a statement is about.
 *
 * A caller is several principals at once: a user is also its account, a session also its role and its account. Principal
 * applies when one of them is listed, NotPrincipal unless every one is. So `NotPrincipal` with a user's ARN alone still
 * denies that user, by its account, as in AWS.
 *
 * Rules: IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal".
 */

import type { PrincipalList, PrincipalMatch } from './compiled-policy.ts'
import { MalformedPolicyError } from './errors.ts'
import type { Identity } from './identity.ts'
import { placeOf, readObject, readStrings, refuseUnknown, within } from './read-element.ts'
import type { Json } from './read-json.ts'

const TYPES: ReadonlySet<string> = new Set(['AWS', 'Service', 'Federated', 'CanonicalUser'])
const ACCOUNT = /^\d{12}$/
const NAME = '[A-Za-z0-9+=,.@_-]+'
const PATH_AND_NAME = `(?:${NAME}/)*${NAME}`
const PRINCIPAL_ARN = new RegExp(
  `^arn:aws(?:-[a-z]+)*:(?:iam::\\d{12}:(?:root|(?:user|role)/${PATH_AND_NAME})` +
    `|sts::\\d{12}:(?:assumed-role/${NAME}/${NAME}|federated-user/${NAME}))$`,
)
const ROOT_ARN = /^arn:[a-z-]+:iam::(\d{12}):root$/
const SERVICE = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$/

const EVERYONE: PrincipalList = {
  everyone: true,
  aws: [],
  accounts: [],
  services: [],
  federated: [],
  canonicalUsers: [],
}

/** @throws {MalformedPolicyError} `bad-principal`, `wrong-type`, `unknown-element` or `empty-list` */
export function readPrincipals(value: Json, place: string): PrincipalList {
  if (value === '*') return EVERYONE
  if (typeof value === 'string') throw new MalformedPolicyError('bad-principal', place)
  const types = readObject(value, place)
  refuseUnknown(types, TYPES, place)
  if (types.size === 0) throw new MalformedPolicyError('empty-list', place)
  const read = (type: string, check: (text: string) => boolean) => {
    const listed = types.get(type)
    if (listed === undefined) return []
    const texts = readStrings(listed, within(place, type))
    const bad = texts.findIndex((text) => !check(text))
    if (bad !== -1) throw new MalformedPolicyError('bad-principal', placeOf(listed, within(place, type), bad))
    return texts
  }
  const named = read('AWS', (text) => text === '*' || ACCOUNT.test(text) || PRINCIPAL_ARN.test(text))
  const aws = named
    .filter((text) => text !== '*')
    .map((text) => (ACCOUNT.test(text) ? `arn:aws:iam::${text}:root` : text))
  return {
    everyone: named.includes('*'),
    aws,
    accounts: aws.flatMap((arn) => ROOT_ARN.exec(arn)?.[1] ?? []),
    services: read('Service', (text) => SERVICE.test(text)),
    federated: read('Federated', (text) => text !== ''),
    canonicalUsers: read('CanonicalUser', (text) => text !== ''),
  }
}

/** @returns the closest way in which the list names the caller, or undefined when it does not */
export function matchPrincipals(list: PrincipalList, subject: Identity): PrincipalMatch | undefined {
  if (subject.kind === 'service') return list.everyone || list.services.includes(subject.arn) ? 'principal' : undefined
  if (list.aws.includes(subject.arn)) return subject.kind === 'role-session' ? 'session' : 'principal'
  if (list.everyone) return 'principal'
  if (subject.roleArn !== undefined && list.aws.includes(subject.roleArn)) return 'principal'
  return list.accounts.includes(subject.account) ? 'account' : undefined
}

/** @returns whether every principal that the caller is stands in the list */
export function areAllListed(list: PrincipalList, subject: Identity): boolean {
  if (list.everyone) return true
  if (subject.kind === 'service') return list.services.includes(subject.arn)
  const own = subject.roleArn === undefined ? [subject.arn] : [subject.arn, subject.roleArn]
  return list.accounts.includes(subject.account) && own.every((arn) => list.aws.includes(arn))
}
