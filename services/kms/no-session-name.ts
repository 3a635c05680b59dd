/**
 * What stands for the name of a session where SNS asks for a publisher: sessions of a role share its data keys, so that what
 * one was allowed by its name the others would use. STS gives no session a name of one character.
 */
export const NO_SESSION_NAME = '='
