/** Scheme, user and the rest of the authority; browsers and Node's URL end it at the first of `/ \ ? #`. */
const WITH_USER = /^([a-z][a-z0-9+.-]*:[/\\]*)([^/\\?#]*)@/i

/** An endpoint as lists and attributes show it: a password in it becomes `****`. Recorded from SNS. */
export function maskEndpoint(endpoint: string): string {
  return endpoint.replace(WITH_USER, (whole, scheme: string, userInfo: string) => {
    const colon = userInfo.indexOf(':')
    return colon < 0 ? whole : `${scheme}${userInfo.slice(0, colon)}:****@`
  })
}
