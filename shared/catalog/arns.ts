/** Builds ARNs of topics and subscriptions. Parsing what a caller sent is sns-wire's. */

export function topicArnOf({ region, account, name }: { region: string; account: string; name: string }): string {
  return `arn:aws:sns:${region}:${account}:${name}`
}

export function subscriptionArnOf(topicArn: string, id: string): string {
  return `${topicArn}:${id}`
}
