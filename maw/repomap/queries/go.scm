(function_declaration) @function
(method_declaration) @method
(type_spec) @type

(call_expression function: (identifier) @reference)
(selector_expression field: (field_identifier) @reference)
(type_identifier) @reference

(import_spec path: (_) @import)
