/**
 * The URLs that deliveries point to. The base is the gateway as subscribers see it.
 *
 * ARNs stand unencoded, as SNS writes them; their alphabet needs no encoding in a query string.
 */

export function subscribeUrl(o: { baseUrl: string; topicArn: string; token: string }): string {
  return `${withoutSlash(o.baseUrl)}/?Action=ConfirmSubscription&TopicArn=${o.topicArn}&Token=${o.token}`
}

export function unsubscribeUrl(o: { baseUrl: string; subscriptionArn: string }): string {
  return `${withoutSlash(o.baseUrl)}/?Action=Unsubscribe&SubscriptionArn=${o.subscriptionArn}`
}

/** @param certificateId 32 hex digits; a new certificate has a new name, so that the old stays downloadable */
export function signingCertUrl(o: { baseUrl: string; certificateId: string }): string {
  return `${withoutSlash(o.baseUrl)}/SimpleNotificationService-${o.certificateId}.pem`
}

/** The certificate id in the path of such a URL; undefined for any other path. */
export function readSigningCertPath(path: string): string | undefined {
  return /^\/SimpleNotificationService-([0-9a-f]{32})\.pem$/.exec(path)?.[1]
}

function withoutSlash(baseUrl: string): string {
  return baseUrl.endsWith('/') ? baseUrl.slice(0, -1) : baseUrl
}
