/** Names that config/base gives to what the webhook needs. */
export const webhookNames = {
  /** ValidatingWebhookConfiguration. */
  configuration: "guardbee",
  /** The entry in it. */
  webhook: "policies.guardbee.io",
  /** Secret in the operator's namespace. */
  secret: "guardbee-webhook",
  /** Service in the operator's namespace. */
  service: "guardbee-operator",
} as const;
