/**
 * What each action must be allowed for. Every action of SNS has its line, whoever adds one: a test compares with the table of
 * actions.
 *
 * Rules: "Actions, resources, and condition keys for Amazon SNS" in the service authorization reference.
 */

export interface AuthorizationRule {
  /** The permission's name, without `sns:`. */
  readonly permission: string
  /**
   * `topic`: on a topic, whose policy takes part, so that another account's caller may be allowed. `identity`: identity
   * policies alone decide, on the topic's ARN or on all of the account's; whose the thing is, the action checks itself.
   */
  readonly by: 'topic' | 'identity'
}

export const AUTHORIZATION = {
  AddPermission: { permission: 'AddPermission', by: 'topic' },
  ConfirmSubscription: { permission: 'ConfirmSubscription', by: 'identity' },
  CreateTopic: { permission: 'CreateTopic', by: 'identity' },
  DeleteTopic: { permission: 'DeleteTopic', by: 'topic' },
  GetSubscriptionAttributes: { permission: 'GetSubscriptionAttributes', by: 'identity' },
  GetTopicAttributes: { permission: 'GetTopicAttributes', by: 'topic' },
  ListSubscriptions: { permission: 'ListSubscriptions', by: 'identity' },
  ListSubscriptionsByTopic: { permission: 'ListSubscriptionsByTopic', by: 'topic' },
  ListTopics: { permission: 'ListTopics', by: 'identity' },
  Publish: { permission: 'Publish', by: 'topic' },
  PublishBatch: { permission: 'Publish', by: 'topic' },
  RemovePermission: { permission: 'RemovePermission', by: 'topic' },
  SetSubscriptionAttributes: { permission: 'SetSubscriptionAttributes', by: 'identity' },
  SetTopicAttributes: { permission: 'SetTopicAttributes', by: 'topic' },
  Subscribe: { permission: 'Subscribe', by: 'topic' },
  Unsubscribe: { permission: 'Unsubscribe', by: 'identity' },
} as const satisfies Readonly<Record<string, AuthorizationRule>>

export type AuthorizedAction = keyof typeof AUTHORIZATION
