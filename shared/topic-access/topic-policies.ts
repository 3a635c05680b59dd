/** Topic policies as the policy engine takes them: compiled once a text. */

import type { Topic } from '#shared/catalog'
import { createLruMap } from '#shared/lru-map'
import { type CompiledPolicy, compilePolicy, MalformedPolicyError } from '#shared/policy'
import { defaultTopicPolicy, InvalidParameterError, parseTopicPolicy } from '#shared/sns-wire'

/** Policies kept: of the topics in use. Each may have 30 KB, few have one. */
const CAPACITY = 1000

export interface TopicPolicies {
  /** What the topic has set; undefined for SNS's default. */
  of(topic: Topic): CompiledPolicy | undefined
  /** SNS's default, which says something of services alone: its one condition is absent for anybody else. */
  defaultOf(topic: Topic): CompiledPolicy
  /** The one or the other, as GetTopicAttributes shows it. */
  textOf(topic: Topic): string
}

export function createTopicPolicies(): TopicPolicies {
  const compiled = createLruMap<CompiledPolicy>(CAPACITY)
  const compile = (text: string) => {
    const known = compiled.get(text)
    if (known !== undefined) return known
    const policy = compilePolicy(text, { kind: 'resource' })
    compiled.set(text, policy)
    return policy
  }
  return {
    of: ({ attributes: { policy } }) => (policy === undefined ? undefined : compile(policy)),
    defaultOf: ({ arn, owner }) => compile(defaultTopicPolicy(arn, owner)),
    textOf: ({ arn, owner, attributes: { policy } }) => policy ?? defaultTopicPolicy(arn, owner),
  }
}

/**
 * A Policy attribute → what is stored.
 *
 * @returns undefined for SNS's default document: setting it is how a policy is taken back, as an empty one is refused
 * @throws {InvalidParameterError} in SNS's words
 */
export function readPolicyAttribute(text: string, { arn, owner }: Pick<Topic, 'arn' | 'owner'>): string | undefined {
  const policy = parseTopicPolicy(text, arn)
  try {
    // As sent: what became of it no longer shows, for one, that a key was there twice.
    compilePolicy(text, { kind: 'resource' })
    compilePolicy(policy, { kind: 'resource' })
  } catch (error) {
    if (!(error instanceof MalformedPolicyError)) throw error
    throw new InvalidParameterError('Invalid parameter: Policy Error: null')
  }
  return policy === defaultTopicPolicy(arn, owner) ? undefined : policy
}
