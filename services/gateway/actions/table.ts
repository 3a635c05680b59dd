/**
 * Every action by service. The service is the one its signature must be scoped to; SNS and STS
 * share one endpoint and the Query protocol.
 */

import type { Action } from '../action.ts'
import { addPermission } from './sns/add-permission.ts'
import { confirmSubscription } from './sns/confirm-subscription.ts'
import { createTopic } from './sns/create-topic.ts'
import { deleteTopic } from './sns/delete-topic.ts'
import { getSubscriptionAttributes } from './sns/get-subscription-attributes.ts'
import { getTopicAttributes } from './sns/get-topic-attributes.ts'
import { listSubscriptions } from './sns/list-subscriptions.ts'
import { listSubscriptionsByTopic } from './sns/list-subscriptions-by-topic.ts'
import { listTopics } from './sns/list-topics.ts'
import { publish } from './sns/publish.ts'
import { publishBatch } from './sns/publish-batch.ts'
import { removePermission } from './sns/remove-permission.ts'
import { setSubscriptionAttributes } from './sns/set-subscription-attributes.ts'
import { setTopicAttributes } from './sns/set-topic-attributes.ts'
import { subscribe } from './sns/subscribe.ts'
import { unsubscribe } from './sns/unsubscribe.ts'
import { assumeRole } from './sts/assume-role.ts'
import { getCallerIdentity } from './sts/get-caller-identity.ts'

export interface Service {
  /** SigV4 service name. */
  readonly name: 'sns' | 'sts'
  readonly version: string
  /** XML namespace of its answers. */
  readonly namespace: string
  readonly actions: ReadonlyMap<string, Action>
  /**
   * Operations that exist and are not offered here. Named so that their answer is AWS's for a withheld operation rather
   * than that for a misspelt one.
   */
  readonly withheld: ReadonlySet<string>
}

export const sns: Service = {
  name: 'sns',
  version: '2010-03-31',
  namespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
  actions: byName([
    addPermission,
    confirmSubscription,
    createTopic,
    deleteTopic,
    getSubscriptionAttributes,
    getTopicAttributes,
    listSubscriptions,
    listSubscriptionsByTopic,
    listTopics,
    publish,
    publishBatch,
    removePermission,
    setSubscriptionAttributes,
    setTopicAttributes,
    subscribe,
    unsubscribe,
  ]),
  withheld: new Set([
    'CheckIfPhoneNumberIsOptedOut',
    'CreatePlatformApplication',
    'CreatePlatformEndpoint',
    'CreateSMSSandboxPhoneNumber',
    'DeleteEndpoint',
    'DeletePlatformApplication',
    'DeleteSMSSandboxPhoneNumber',
    'GetDataProtectionPolicy',
    'GetEndpointAttributes',
    'GetPlatformApplicationAttributes',
    'GetSMSAttributes',
    'GetSMSSandboxAccountStatus',
    'ListEndpointsByPlatformApplication',
    'ListOriginationNumbers',
    'ListPhoneNumbersOptedOut',
    'ListPlatformApplications',
    'ListSMSSandboxPhoneNumbers',
    'ListTagsForResource',
    'OptInPhoneNumber',
    'PutDataProtectionPolicy',
    'SetEndpointAttributes',
    'SetPlatformApplicationAttributes',
    'SetSMSAttributes',
    'TagResource',
    'UntagResource',
    'VerifySMSSandboxPhoneNumber',
  ]),
}

export const sts: Service = {
  name: 'sts',
  version: '2011-06-15',
  namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  actions: byName([assumeRole, getCallerIdentity]),
  withheld: new Set([
    'AssumeRoleWithSAML',
    'AssumeRoleWithWebIdentity',
    'AssumeRoot',
    'DecodeAuthorizationMessage',
    'GetAccessKeyInfo',
    'GetDelegatedAccessToken',
    'GetFederationToken',
    'GetSessionToken',
    'GetWebIdentityToken',
  ]),
}

function byName(actions: readonly Action[]): ReadonlyMap<string, Action> {
  return new Map(actions.map((action) => [action.name, action]))
}
