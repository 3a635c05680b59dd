/** Finds what a preflight is about: the topic and its subscriptions in the catalog, publishers in the principals file. */

import type { Catalog, Subscription, Topic } from '#shared/catalog'
import { listPrincipals, openPrincipals, type Principal } from '#shared/principals'
import { parseTopicArn } from '#shared/sns-wire'
import { PreflightImpossibleError } from './errors.ts'
import type { PreflightSubject } from './run-preflight.ts'

export interface Wanted {
  readonly topic: string
  readonly publisher?: string | undefined
  readonly subscription?: string | undefined
}

/** @throws {PreflightImpossibleError} when one of them is not there */
export async function findSubject(
  wanted: Wanted,
  { catalog, principalsFile }: { catalog: Pick<Catalog, 'readTopic' | 'readSubscriptions'>; principalsFile: string },
): Promise<PreflightSubject> {
  const { arn } = parseTopicArn(wanted.topic)
  const topic = (await catalog.readTopic(arn))?.topic
  if (topic === undefined) throw new PreflightImpossibleError(`Cannot look ahead: there is no topic ${arn}`)
  const subscriptions = await findSubscriptions(topic, wanted, catalog)
  const publishers = await findPublishers(wanted, principalsFile)
  return { topic, subscriptions, publishers, isOnePublisher: wanted.publisher !== undefined }
}

async function findSubscriptions(
  { arn, incarnation }: Topic,
  { subscription }: Wanted,
  catalog: Pick<Catalog, 'readSubscriptions'>,
): Promise<Subscription[]> {
  const all = (await catalog.readSubscriptions(arn)).subscriptions.filter((one) => one.incarnation === incarnation)
  if (subscription === undefined) return all.filter(({ state }) => state !== 'deleted')
  const found = all.filter(({ id }) => subscription === `${arn}:${id}`)
  if (found.length === 0) throw new PreflightImpossibleError('Cannot look ahead: the topic has no such subscription')
  return found
}

async function findPublishers({ publisher }: Wanted, file: string): Promise<Principal[]> {
  let failure: unknown
  await using principals = await openPrincipals({
    file,
    onReloadFailure: (error) => {
      failure = error
    },
  })
  if (failure !== undefined) throw failure
  const find = (name: string) => principals.findPrincipal(name) ?? principals.findService(name)
  if (publisher !== undefined) {
    const found = find(publisher)
    if (found === undefined) {
      throw new PreflightImpossibleError('Cannot look ahead: the principals file has no such publisher')
    }
    return [found]
  }
  const names = (await listPrincipals(file)).map(({ arn, service }) => arn ?? service ?? '')
  return names.map(find).filter((found) => found !== undefined)
}
