(class_declaration) @class
(interface_declaration) @interface
(struct_declaration) @struct
(enum_declaration) @enum
(record_declaration) @class
(method_declaration) @method
(constructor_declaration) @method
(property_declaration) @property

(invocation_expression function: (identifier) @reference)
(member_access_expression name: (identifier) @reference)
(object_creation_expression type: (identifier) @reference)
(base_list (identifier) @reference)
