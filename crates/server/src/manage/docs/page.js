"use strict";

// A token stays in the page: nothing is written to the browser's storage.
SwaggerUIBundle({
  url: "docs/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  filter: true,
  validatorUrl: null,
  persistAuthorization: false,
});
