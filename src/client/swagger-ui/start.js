// @ts-check
/** Shows this server's own document. No other one is shown, and nothing is asked of other sites. */
// @ts-expect-error: the bundle before this script defines it.
SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
});
