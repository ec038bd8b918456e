"""HTTP in, HTTP out: parameters, bodies, answers, problem details, OpenAPI, health, uploads and the page."""
