(function_item) @function
(function_signature_item) @function
(struct_item) @struct
(enum_item) @enum
(union_item) @union
(trait_item) @trait
(type_item) @type
(impl_item) @impl
(mod_item body: (_)) @module
(macro_definition) @macro
(const_item) @constant

(call_expression function: (identifier) @reference)
(field_expression field: (field_identifier) @reference)
(scoped_identifier name: (identifier) @reference)
(macro_invocation macro: (identifier) @reference)
(type_identifier) @reference

(use_declaration argument: (_) @import)
