// @ts-check
/** What pages say of ways in, in English. */
export default {
  signIn: {
    forgot: "Forgot your password?",
    or: "or",
    /** @param {string} provider */
    with: (provider) => `Continue with ${provider}`,
    passkey: "Sign in with a passkey",
  },
  second: {
    heading: "One more step",
    text: "Enter the six digits that your authenticator app shows.",
    code: "Code",
    action: "Continue",
    useRecovery: "Use a recovery code",
    useApp: "Use the app",
    recoveryText: "Enter one of the recovery codes that you kept. It counts once.",
    recoveryCode: "Recovery code",
    back: "Start again",
    enrollHeading: "Protect your account",
    enrollText: "Your role needs a second step at every sign-in: a code from an app on your phone.",
    over: "That took too long. Sign in again.",
  },
  enroll: {
    scan: "Scan this picture with an authenticator app on your phone.",
    picture: "QR code for the authenticator app",
    byHand: "No camera? Enter this key in the app:",
    enter: "Then enter the six digits that it shows.",
  },
  codes: {
    heading: "Keep your recovery codes",
    text: "Each of them gets you in once if you lose your phone. They are shown only now: keep them somewhere safe.",
    list: "Recovery codes",
    copy: "Copy",
    copied: "Copied",
    notCopied: "This browser does not allow copying. Select the text instead.",
    download: "Download",
    file: "parlor-recovery-codes.txt",
    kept: "I have kept them",
  },
  complete: {
    heading: "Signing you in",
    failed: "You are not signed in",
    missing: "This address is not complete. Start again.",
    again: "Back to sign-in",
  },
  forgot: {
    heading: "Forgot your password?",
    text: "Enter the address of your account. You get a link that lets you choose a new password.",
    action: "Send the link",
    sent: "Look into your mail. If there is an account with this address, a link is on its way. It counts for 30 minutes.",
    back: "Back to sign-in",
  },
  reset: {
    heading: "Choose a new password",
    action: "Change password",
    done: "Your password is changed, and you were signed out everywhere. Sign in with the new one.",
    wrong: "This link is no longer good. It counts once, and for 30 minutes.",
    again: "Ask for another link",
  },
  verify: {
    heading: "Your e-mail address",
    busy: "Checking the link",
    done: "Your e-mail address is confirmed.",
    wrong: "This link is no longer good. Your profile sends another one.",
    missing: "Open the link in the mail once more.",
    signIn: "Sign in to the account of this address to confirm it.",
    on: "Continue",
  },
  email: {
    change: "Change your e-mail address",
    verified: "E-mail address confirmed",
    unverified: "Your e-mail address is not confirmed yet. Follow the link in the mail that you got.",
    again: "Send it again",
    sent: "A mail with a new link is on its way.",
  },
  twoFactor: {
    heading: "Two-step sign-in",
    off: "A code from an app on your phone, asked for after the password. Who only knows the password does not get in.",
    required: "Your role requires it.",
    on: "On",
    /** @param {number} count */
    left: (count) => (count === 1 ? "1 recovery code left" : `${count} recovery codes left`),
    few: "Make new recovery codes before you run out of them.",
    turnOn: "Turn on",
    turnOff: "Turn off",
    newCodes: "New recovery codes",
    passwordText: "Enter your password first.",
    continue: "Continue",
    turnOffText: "Enter a code from the app, or a recovery code. From then on the password alone is enough.",
    newCodesText: "Enter a code from the app. The codes that you have now stop working.",
    make: "Make new codes",
    turnedOff: "Two-step sign-in is off",
    turnedOn: "Two-step sign-in is on",
  },
  passkeys: {
    heading: "Passkeys",
    text: "Sign in with your fingerprint, your face or the PIN of your device, without a password.",
    add: "Add a passkey",
    name: "Name",
    nameHint: "Where it is kept, so that you know it again",
    rename: "Rename",
    /** @param {string} name */
    renameThat: (name) => `Rename: ${name}`,
    remove: "Remove",
    /** @param {string} name */
    removeThat: (name) => `Remove: ${name}`,
    removeTitle: "Remove this passkey?",
    /** @param {string} name */
    removeText: (name) => `“${name}” no longer signs you in. Your device may still keep it; remove it there, too.`,
    /** @param {string} date */
    added: (date) => `added ${date}`,
    /** @param {string} when */
    used: (when) => `last used ${when}`,
    never: "not used yet",
    wasAdded: "Passkey added",
    wasRemoved: "Passkey removed",
  },
  accounts: {
    heading: "Connected accounts",
    text: "Accounts elsewhere that sign you in here.",
    connect: "Connect",
    /** @param {string} provider */
    connectThat: (provider) => `Connect ${provider}`,
    disconnect: "Disconnect",
    /** @param {string} provider */
    disconnectThat: (provider) => `Disconnect ${provider}`,
    disconnectTitle: "Disconnect this account?",
    /** @param {string} provider */
    disconnectText: (provider) => `${provider} no longer signs you in here.`,
    notConnected: "not connected",
    /** @param {string} date */
    since: (date) => `connected ${date}`,
    /** @param {string} provider */
    linked: (provider) => `${provider} is connected`,
    unlinked: "Disconnected",
  },
  tokens: {
    heading: "API tokens",
    text: "A program that has one of these acts as you, as far as its scopes allow.",
    add: "New token",
    name: "Name",
    nameHint: "What uses it, so that you know it again",
    expires: "Valid for",
    /** @param {number} days */
    days: (days) => `${days} days`,
    forever: "No end",
    scopes: "What it may do",
    make: "Make the token",
    made: "Your new token",
    madeText: "It is shown only now. Keep it where the program finds it, and nobody else.",
    token: "Token",
    kept: "I have kept it",
    revoke: "Revoke",
    /** @param {string} name */
    revokeThat: (name) => `Revoke: ${name}`,
    revokeTitle: "Revoke this token?",
    /** @param {string} name */
    revokeText: (name) => `What uses “${name}” is refused from now on.`,
    revoked: "Token revoked",
    /** @param {string} date */
    until: (date) => `until ${date}`,
    /** @param {string} date */
    ended: (date) => `ended ${date}`,
    /** @param {string} when */
    used: (when) => `last used ${when}`,
    never: "not used yet",
  },
};
